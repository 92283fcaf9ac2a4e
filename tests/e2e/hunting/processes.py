"""What stands in the list of processes while a program runs: words and environment of it and of all
its descendants, looked at again and again."""

import os
import threading

PAUSE_S = 0.002


class ProcessWatch:
    def __init__(self, root):
        """`root`: the process whose descendants are watched, and which itself is."""
        self.root, self.words, self.environments = root, set(), set()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.look_on, daemon=True)
        self.thread.start()

    def end(self):
        self.is_over.set()
        self.thread.join()

    def look_on(self):
        known = {self.root}
        while not self.is_over.wait(PAUSE_S):
            for pid, parent in processes():
                if parent in known or pid == self.root:
                    known.add(pid)
            for pid in known:
                words, environment = read(pid, "cmdline"), read(pid, "environ")
                name = words.split(b"\0")[0].decode(errors="replace")
                self.words.add(words)
                for variable in environment.split(b"\0"):
                    self.environments.add((name, variable))


def processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = read(int(name), "stat")
            after_name = stat.rpartition(b")")[2].split()
            if after_name:
                yield int(name), int(after_name[1])


def read(pid, what):
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""
