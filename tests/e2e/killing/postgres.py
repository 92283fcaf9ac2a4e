"""A PostgreSQL server of the test's own, on a socket in its folder, that can be made to crash."""

import os
import pathlib
import pwd
import shutil
import subprocess
import urllib.parse

PROGRAMS = ("initdb", "pg_ctl", "psql")


def find_programs():
    """The folder that holds them; empty: they are on the PATH. None: there are none."""
    if all(shutil.which(program) for program in PROGRAMS):
        return ""
    for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return f"{folder}/"
    return None


def why_not():
    if find_programs() is None:
        return "no initdb, pg_ctl and psql are installed"
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "the server refuses to run as root, and there is no user postgres"
    return ""


class Postgres:
    def __init__(self, work):
        self.folder, self.programs = work / "postgres", find_programs()
        self.folder.mkdir()
        work.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "pawl", "-A", "trust",
                 "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
        self.start()
        self.run("psql", "-X", "-q", "-h", str(self.folder), "-U", "pawl", "-d", "postgres",
                 "-c", "CREATE DATABASE journal")

    def url(self):
        return f"postgresql://pawl@{urllib.parse.quote(str(self.folder), safe='')}/journal"

    def start(self):
        options = f"-k {self.folder} -c listen_addresses= -c max_connections=60"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-s",
                 "-o", options, "start")

    def crash(self):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "-s", "stop")

    def run(self, program, *arguments):
        words = [self.programs + program, *arguments]
        if os.getuid() == 0:
            words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *words]
        # Nobody waits for the end of an output that the server has inherited.
        subprocess.run(words, cwd="/", check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
