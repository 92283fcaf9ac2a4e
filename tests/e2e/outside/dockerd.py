"""A docker daemon of the test's own, on a socket in its folder, without settings of the network."""

import os
import subprocess
import time

from outside.children import READY_WITHIN_S, Child, Missing, need_programs


def needs():
    need_programs("docker", "dockerd")
    if os.geteuid() != 0:
        raise Missing("root, which dockerd wants to be run as,")


class Dockerd:
    def __init__(self, folder):
        folder.mkdir()
        self.folder, self.host = folder, f"unix://{folder}/docker.sock"
        self.child = Child(["dockerd", "--data-root", f"{folder}/data", "--exec-root",
                            f"{folder}/exec", "-H", self.host, "--pidfile", f"{folder}/pid",
                            "--iptables=false", "--ip6tables=false", "--bridge=none"],
                           folder / "log")
        until = time.monotonic() + READY_WITHIN_S
        while subprocess.run(["docker", "-H", self.host, "version"],
                             capture_output=True).returncode != 0:
            if time.monotonic() > until or self.child.process.poll() is not None:
                raise RuntimeError(f"dockerd did not start; see {folder}/log")
            time.sleep(0.1)

    def end(self):
        self.child.end()
        subprocess.run(["umount", f"{self.folder}/exec/netns/default"], capture_output=True)
