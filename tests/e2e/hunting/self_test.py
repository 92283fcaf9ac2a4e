"""Whether the hunt would find a secret that is planted: in an output, in words and environment of a
process that lives for a moment, in a file that is there for a moment, in each form."""

import subprocess
import sys
import tempfile
import time
import pathlib

from hunting.files import FileWatch
from hunting.forms import Secrets, forms_of
from hunting.processes import ProcessWatch

PLANTED = 'pl4nted/"word"+\\with all=that&is?odd'
LIVES_FOR_S = 0.3
PLANTER = """import pathlib, subprocess, sys, time
secret = sys.stdin.read()
path = pathlib.Path(sys.argv[1]) / "deep" / "deeper"
path.mkdir(parents=True)
(path / "file").write_text("before " + secret + " after")
subprocess.run(["sh", "-c", "sleep {0}; :", secret])
subprocess.run(["sh", "-c", "sleep {0}; :"], env={{"WORD": secret, "PATH": "/usr/bin:/bin"}})
(path / "file").unlink()
""".format(LIVES_FOR_S)


def problems():
    """Sentences about what would not have been found."""
    secrets = Secrets({"planted": PLANTED})
    for form in forms_of(PLANTED):
        if not secrets.names_in(b"x" + form + b"x"):
            yield f"a form is not found: {form}"
    if secrets.names_in("nothing of the kind, nor " + PLANTED[:6]):
        yield "something is found where nothing is"
    with tempfile.TemporaryDirectory(prefix="pawl-plant-") as place:
        place = pathlib.Path(place)
        (place / "watched").mkdir()
        files = FileWatch([place / "watched"], place / "kept")
        process = subprocess.Popen([sys.executable, "-c", PLANTER, str(place / "watched")],
                                   stdin=subprocess.PIPE, text=True)
        watch = ProcessWatch(process.pid)
        process.communicate(PLANTED)
        time.sleep(LIVES_FOR_S)
        watch.end()
        if not any(secrets.names_in(words) for words in watch.words):
            yield "a process's words are not seen"
        if not any(secrets.names_in(variable) for _, variable in watch.environments):
            yield "a process's environment is not seen"
        found = [is_there for _, data, _, is_there in files.files() if secrets.names_in(data)]
        if not found or any(found):  # it may have been noticed twice
            yield f"a file that was there for a moment is not seen ({found})"
