"""A PostgreSQL that wants a password."""

import os
import subprocess
import urllib.parse

from killing.postgres import Postgres


class PostgresWithPassword(Postgres):
    def __init__(self, work, password):
        super().__init__(work)
        self.password = password
        word = password.replace("'", "''")
        self.psql(f"ALTER ROLE pawl PASSWORD '{word}'")
        access = self.folder / "data/pg_hba.conf"
        access.write_text("local all pawl scram-sha-256\n")
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-s", "reload")

    def psql(self, statement):
        """By its standard input: its words would show the password to everybody."""
        subprocess.run([self.programs + "psql", "-X", "-q", "-h", str(self.folder), "-U", "pawl",
                        "-d", "journal"], input=statement, text=True, check=True,
                       stdout=subprocess.DEVNULL)

    def url_with(self, encoded_password):
        host = urllib.parse.quote(str(self.folder), safe="")
        return f"postgresql://pawl:{encoded_password}@{host}/journal"

    def dump(self):
        done = subprocess.run([self.programs + "pg_dump", "-h", str(self.folder), "-U", "pawl",
                               "journal"], check=True, capture_output=True,
                              env={**os.environ, "PGPASSWORD": self.password})
        return done.stdout

    def log(self):
        return (self.folder / "log").read_bytes()
