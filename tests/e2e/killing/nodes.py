"""Several nodes (`pawl resume --all --follow`) and deployers on one journal in PostgreSQL, in two
environments at once: deployers and nodes are killed, and the database crashes. Nobody but the
nodes takes anything up; in the end all of it must be at rest, and right."""

import random
import time

from killing.checks import After
from killing.rounds import KNOWN_CODES

ENVIRONMENTS = ("dev", "staging")
LONGEST_S = 12.0       # within this time everything is begun and killed
REST_WITHIN_S = 150    # ... and within this, after it, at rest: a lease stands still for 30 s first


class Nodes:
    """The nodes, of which as many run as should."""

    def __init__(self, project, count):
        self.project = project
        self.processes = [self.start() for _ in range(count)]
        self.problems = []

    def start(self):
        return self.project.start("resume", "--all", "--follow")

    def kill(self, index):
        process = self.processes[index]
        process.is_killed = True
        process.kill()
        process.wait()

    def start_again(self, index):
        self.processes[index] = self.start()

    def supervise(self):
        """One that was not killed goes on, whatever the database does. One that finds no database
        when it starts says so, and is started again, as any supervisor would."""
        for index, process in enumerate(self.processes):
            if process.poll() is None or process.is_killed:
                continue
            said = process.path.read_text(errors="replace")[-2000:]
            if process.returncode != 1 or "cannot connect" not in said:
                self.problems.append(
                    f"node {index} ended by itself with {process.returncode}: {said}")
            self.start_again(index)

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)


class NodesRound:
    def __init__(self, project, nodes, postgres, seed, number):
        self.project, self.nodes, self.postgres = project, nodes, postgres
        self.number, self.chance = number, random.Random(f"{seed}/nodes/{number}")
        self.story, self.problems, self.after = [], [], []
        self.deployers, self.acts = [], []

    def play(self):
        before, world_before = self.project.history(), self.project.world()
        self.project.change_files(f"round {self.number}")
        self.draw()
        self.perform()
        self.wait_for_rest()
        for environment in ENVIRONMENTS:
            mine = [d for d in before if d["environment"] == environment]
            after = After(self.project, environment, mine, world_before)
            self.problems += after.violations()
            self.after.append(after)
        return self.problems

    # ---- what happens, and when ----

    def draw(self):
        for each in range(self.chance.randint(2, 5)):
            self.draw_deployer(each)
        for index in range(len(self.nodes.processes)):
            if self.chance.random() < 0.5:
                at = self.some_time()
                self.at(at, lambda i=index: (self.tell(f"kill node {i}"), self.nodes.kill(i)))
                self.at(at + self.chance.uniform(0, 3),
                        lambda i=index: (self.tell(f"start node {i}"), self.nodes.start_again(i)))
        if self.chance.random() < 0.5:
            at = self.some_time()
            self.at(at, lambda: (self.tell("the database crashes"), self.postgres.crash()))
            self.at(at + self.chance.uniform(0, 4),
                    lambda: (self.tell("the database starts"), self.postgres.start()))

    def draw_deployer(self, index):
        environment = self.chance.choice(ENVIRONMENTS)
        version = f"{self.number}.{index}.0"
        words = ["deploy", environment, "--tag", "v" + version]
        if self.chance.random() < 0.2:
            words = ["rollback", environment]
        else:
            self.project.release(version, self.chance.random() < 0.6)
        begun = self.chance.uniform(0, 4)
        self.at(begun, lambda: self.begin(index, words))
        if self.chance.random() < 0.5:
            self.at(begun + self.chance.uniform(0, 6), lambda: self.kill(index))
        if self.chance.random() < 0.2:
            choice = self.chance.choice([[], ["--undo"], ["--leave"]])
            self.at(begun + self.chance.uniform(0, 5),
                    lambda: self.begin(index, ["cancel", environment, *choice]))

    def some_time(self):
        return self.chance.uniform(0, LONGEST_S - 4)

    def at(self, when, act):
        self.acts.append((when, len(self.acts), act))

    def perform(self):
        begun = time.monotonic()
        for when, _, act in sorted(self.acts):
            while time.monotonic() < begun + when:
                time.sleep(min(0.2, max(0.0, begun + when - time.monotonic())))
                self.nodes.supervise()
            act()

    def begin(self, index, words):
        self.tell(f"pawl {' '.join(words)}")
        self.deployers.append((index, self.project.start(*words)))

    def kill(self, index):
        for number, process in self.deployers:
            if number == index and process.poll() is None:
                self.tell(f"kill pawl {process.words}")
                process.is_killed = True
                process.kill()
                process.wait()

    # ---- the end ----

    def wait_for_rest(self):
        until = time.monotonic() + REST_WITHIN_S
        for _, process in self.deployers:
            try:
                process.wait(timeout=max(1.0, until - time.monotonic()))
            except Exception:
                process.kill()
                self.problems.append(f"pawl {process.words} had not ended after {REST_WITHIN_S} s")
            if not process.is_killed:
                self.look_at_code(process)
        while time.monotonic() < until:
            self.nodes.supervise()
            if all(each["finished"] for each in self.project.history()):
                break
            time.sleep(0.2)
        self.problems += self.nodes.problems
        self.nodes.problems = []

    def look_at_code(self, process):
        code = process.returncode
        if code not in KNOWN_CODES and not (code == 2 and process.words.startswith("cancel")):
            said = process.path.read_text(errors="replace")[-2000:]
            self.problems.append(f"pawl {process.words} ended with {code}: {said}")

    def tell(self, sentence):
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        self.story.append(f"{stamp} {sentence}")

    def report(self):
        lines = [f"  {sentence}" for sentence in self.story]
        for after in self.after:
            for each in after.new:
                lines.append(self.project.run("show", each["id"], "--events")[1])
        return "\n".join(lines)
