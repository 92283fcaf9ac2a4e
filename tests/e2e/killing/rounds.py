"""One round: something is begun and killed at a random moment; somebody goes on, and may be killed,
too; then all of it must be at rest, and right."""

import random
import time

from killing.checks import After
from killing.project import lines_of

LONGEST_S = 5.0       # a deployment takes no longer when nothing stands in its way
MOST_LINES = 36       # ... and says no more than this
ENDS_WITHIN_S = 90    # a process that is not killed

# Exit codes that pawl may end with; anything else is a crash.
KNOWN_CODES = {0, 1, 3, 4, 5}


class Moment:
    """When to kill: after a time, or just after a line of output (most of the time of a deployment
    is spent in waits, so times alone would hardly ever hit what lies between them)."""

    def __init__(self, chance, part=1.0):
        self.line = chance.randrange(int(MOST_LINES * part)) if chance.random() < 0.6 else None
        self.delay_s = chance.uniform(0, 0.03 if self.line is not None else LONGEST_S * part)

    def __str__(self):
        after = "the start" if self.line is None else f"line {self.line}"
        return f"{self.delay_s * 1000:.0f} ms after {after}"

    def wait_for(self, process):
        while self.line is not None and lines_of(process) < self.line and process.poll() is None:
            time.sleep(0.002)
        until = time.monotonic() + self.delay_s
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.002)


class Round:
    def __init__(self, project, seed, number, environment="dev"):
        self.project, self.number, self.environment = project, number, environment
        self.chance = random.Random(f"{seed}/{number}")
        self.story, self.problems, self.after = [], [], None

    def play(self):
        """The sentences about what went wrong; none: nothing did."""
        project = self.project
        self.before, self.world_before = project.history(), project.world()
        project.change_files(f"round {self.number}")
        self.act(*self.something())
        self.recover()
        self.settle()
        self.after = After(project, self.environment, self.before, self.world_before)
        self.problems += self.after.violations()
        if any(d["rollback_status"] == "left" for d in self.after.ran[-1:]):
            self.mend()
        return self.problems

    # ---- what is begun ----

    def something(self):
        kind = self.chance.choices(["good", "bad", "again", "rollback", "cancel"],
                                   [35, 25, 5, 15, 20])[0]
        deploy = ["deploy", self.environment, "--tag"]
        if kind == "rollback":
            return kind, ["rollback", self.environment]
        if kind == "again" and self.project.releases:
            return kind, [*deploy, "v" + self.chance.choice(self.project.releases)]
        is_good = kind != "bad" and not (kind == "cancel" and self.chance.random() < 0.3)
        return kind, [*deploy, "v" + self.new_release(is_good, "a")]

    def new_release(self, is_good, letter):
        number = {"a": 0, "b": 1, "c": 2}[letter]
        return self.project.release(f"{self.number}.{number}.0", is_good)

    def act(self, kind, words):
        self.tell(f"{kind}: pawl {' '.join(words)}")
        process = self.project.start(*words)
        moment = Moment(self.chance)
        if kind == "cancel":
            moment.wait_for(process)
            choice = self.chance.choice([[], [], ["--undo"], ["--leave"]])
            self.tell(f"pawl cancel {' '.join(choice)}, {moment}")
            canceller = self.project.start("cancel", self.environment, *choice)
            moment = Moment(self.chance)
            if self.chance.random() < 0.3:
                self.kill(canceller, Moment(self.chance, 0.4))
        self.kill(process, moment)
        if kind == "cancel" and not canceller.is_killed:
            self.wait(canceller)

    def kill(self, process, moment):
        moment.wait_for(process)
        if process.poll() is not None:
            self.tell(f"pawl {process.words} had ended ({process.returncode}) before it was killed")
            self.look_at_code(process)
            return
        process.is_killed = True
        process.kill()
        process.wait()
        said = process.path.read_text(errors="replace").strip().splitlines()
        self.tell(f"killed pawl {process.words}, {moment}; last line: {said[-1] if said else '-'}")

    # ---- what follows ----

    def recover(self):
        how = self.chance.choices(["resume", "killed resume", "next", "all", "cancel"],
                                  [25, 30, 20, 15, 10])[0]
        if how == "killed resume":
            for _ in range(self.chance.randint(1, 3)):
                words = self.chance.choice([["resume", self.environment], ["resume", "--all"]])
                self.kill(self.project.start(*words), Moment(self.chance, 0.4))
        elif how == "next":
            version = self.new_release(True, "b")
            self.end("deploy", self.environment, "--tag", "v" + version)
        elif how == "cancel":
            self.end("cancel", self.environment)
        elif how == "resume":
            self.end("resume", self.environment)

    def settle(self):
        self.end("resume", "--all")

    def mend(self):
        """After one that was left part-way, the next deployment makes everything right."""
        before, world_before = self.project.history(), self.project.world()
        version = self.new_release(True, "c")
        self.end("deploy", self.environment, "--tag", "v" + version)
        self.problems += After(self.project, self.environment, before, world_before).violations()

    def end(self, *words):
        self.wait(self.project.start(*words))

    def wait(self, process):
        try:
            process.wait(timeout=ENDS_WITHIN_S)
        except Exception:
            process.kill()
            self.problems.append(f"pawl {process.words} had not ended after {ENDS_WITHIN_S} s")
            return
        self.tell(f"pawl {process.words}: exit code {process.returncode}")
        self.look_at_code(process)

    def look_at_code(self, process):
        """2 and the cancel of what has ended are said of usage; a signal is a crash."""
        code = process.returncode
        is_usage = code == 2 and process.words.startswith("cancel")
        if code not in KNOWN_CODES and not is_usage:
            said = process.path.read_text(errors="replace")[-2000:]
            self.problems.append(f"pawl {process.words} ended with {code}: {said}")

    # ---- the story ----

    def tell(self, sentence):
        self.story.append(sentence)

    def report(self):
        """The whole of it, for whoever has to find out why."""
        lines = [f"  {sentence}" for sentence in self.story]
        for each in self.after.new if self.after else []:
            lines.append(self.project.run("show", each["id"], "--events")[1])
        return "\n".join(lines)
