"""Every file that is made below some folders, also one that is gone in a moment: it gets a second
name in a folder of ours when it appears, so that what was written to it can be read later."""

import ctypes
import os
import pathlib
import stat
import struct
import threading

IN_CREATE, IN_MOVED_TO = 0x100, 0x80
EVENT = struct.Struct("iIII")
libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    def __init__(self, folders, kept):
        """`kept` must be on the same file system as `folders`."""
        self.kept, self.names, self.places = kept, {}, {}
        kept.mkdir()
        self.queue = libc.inotify_init1(0)
        if self.queue < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        for folder in folders:
            self.add(pathlib.Path(folder))
        self.thread = threading.Thread(target=self.look_on, daemon=True)
        self.thread.start()

    def add(self, folder):
        watch = libc.inotify_add_watch(self.queue, os.fsencode(folder), IN_CREATE | IN_MOVED_TO)
        if watch < 0:
            return  # it is gone already
        self.places[watch] = folder
        try:
            inside = list(folder.iterdir())
        except OSError:
            return
        for each in inside:  # made before we watched
            self.appeared(each)

    def appeared(self, path):
        try:
            if path.is_symlink():
                return
            if path.is_dir():
                self.add(path)
                return
            second = self.kept / str(len(self.names))
            os.link(path, second)
            self.names[second] = path
        except OSError:
            pass  # gone already, or a socket on another file system

    def look_on(self):
        while True:
            data = os.read(self.queue, 1 << 16)
            at = 0
            while at < len(data):
                watch, mask, _, length = EVENT.unpack_from(data, at)
                name = data[at + EVENT.size:at + EVENT.size + length].rstrip(b"\0")
                at += EVENT.size + length
                if watch in self.places and name:
                    self.appeared(self.places[watch] / os.fsdecode(name))

    def files(self):
        """(path, what was in it, whether its owner alone could read it, whether it is there)."""
        for second, path in list(self.names.items()):
            state = second.stat()
            if not stat.S_ISREG(state.st_mode):
                continue
            is_private = state.st_mode & 0o077 == 0
            # One that was made under another name, and renamed, has several names of ours.
            own = sum(each.stat().st_ino == state.st_ino for each in self.names)
            yield path, second.read_bytes(), is_private, state.st_nlink > own
