"""What docs/guides/hooks.md promises, case by case, on one sandbox: each goes on with what the one
before it left."""

import signal

from hooking.project import TALKS_AND_FAILS

DEPLOYED, FAILED, ROLLED_BACK, REFUSED, INTERRUPTED = 0, 1, 3, 4, 5
CALL_TAKES = "slow:3s"  # the answer of Lambda's Invoke, where it is to be cut short


class Cases:
    def __init__(self, project, verbose=False):
        self.project, self.verbose, self.problems, self.case = project, verbose, [], ""

    def play(self):
        for case in (self.a_release_calls_it_once, self.the_same_release_does_not_call_it_again,
                     self.a_function_error_is_rolled_back, self.a_lost_answer_is_asked_for_again,
                     self.the_point_of_no_return, self.a_lost_answer_is_left_to_a_person,
                     self.killed_in_the_call_it_is_asked_again,
                     self.killed_in_the_call_it_is_left_to_a_person,
                     self.ctrl_c_in_the_call_waits_for_the_answer):
            self.case = case.__name__
            self.project.with_hook()
            case()
            self.project.no_faults()
        return self.problems

    # ---- the cases ----

    def a_release_calls_it_once(self):
        project = self.project
        project.release("1.0.0", True)
        said = self.pawl(DEPLOYED, "plan", "dev", "--tag", "v1.0.0")
        self.holds("no point of no return is named", "point of no return" not in said)
        self.deploy("1.0.0")
        self.ran(1)
        said = self.pawl(DEPLOYED, "logs", project.last_deployment(), "--step", "hook_migrate")
        self.says(said, "migrations: 0001_create_meals", "done by version")

    def the_same_release_does_not_call_it_again(self):
        first = self.project.last_deployment()
        before = self.project.runs() + self.project.repeats()
        said = self.pawl(DEPLOYED, "plan", "dev", "--tag", "v1.0.0")
        self.says(said, f"not called: it ran for this release in {first}")
        self.deploy("1.0.0")
        self.equal("calls", self.project.runs() + self.project.repeats(), before)

    def a_function_error_is_rolled_back(self):
        project = self.project
        project.with_migration(TALKS_AND_FAILS)
        project.release("1.1.0", True)
        said = self.pawl(ROLLED_BACK, "deploy", "dev", "--tag", "v1.1.0", "--verbose")
        project.with_migration("")
        self.says(said, "the hook migrate failed (Unhandled): Meals.OperationFailed: could not do: "
                  "run_migrations", "it printed last: connecting to postgres://meals:***@db",
                  "ALTER TABLE meals")
        self.equal("what answers", project.answering_version(), "1.0.0")
        log = self.pawl(DEPLOYED, "logs", project.last_deployment(), "--step", "hook_migrate")
        self.says(log, "connecting to postgres://meals:***@db")
        told = [said, log]
        for words in (("show", "dev", "--events", "--json"), ("show", "dev"),
                      ("history", "--json")):
            told.append(self.pawl(DEPLOYED, *words))
        self.holds("the password is not printed",
                   not any(project.password in each for each in told))
        self.equal("files with the password", project.places_with(project.password), [])

    def a_lost_answer_is_asked_for_again(self):
        """It says idempotent: the second call, with the same key, does nothing and tells."""
        before, repeated = self.project.runs(), self.project.repeats()
        self.project.release("1.1.1", True)
        self.project.fault("drop", "--service", "lambda", "--operation", "Invoke", "--count", "1")
        self.deploy("1.1.1")
        self.ran(before + 1)
        self.equal("repeated calls", self.project.repeats(), repeated + 1)

    def the_point_of_no_return(self):
        project = self.project
        project.with_hook(compatible=False)
        before = project.runs()
        project.release("1.2.0", False)  # its migration is good, and it does not answer well
        said = self.pawl(DEPLOYED, "plan", "dev", "--tag", "v1.2.0")
        self.says(said, "point of no return", "hook_migrate", "move_alias")
        self.ran(before)
        said = self.pawl(FAILED, "deploy", "dev", "--tag", "v1.2.0")
        self.says(said, "not rolled back", "the hook migrate has run, has no undo and is not "
                  "compatible_with: previous")
        self.ran(before + 1)
        said = self.pawl(REFUSED, "rollback", "dev", "--to", "1.1.1")
        self.says(said, "1.1.1 is not put back: the hook migrate of 1.2.0")
        project.release("1.2.1", True)
        self.deploy("1.2.1")  # the way on

    def a_lost_answer_is_left_to_a_person(self):
        project = self.project
        project.with_hook(idempotent=False)
        for version, word in (("1.3.0", "ran"), ("1.3.1", "again")):
            live, before = project.answering_version(), project.runs()
            project.release(version, True)
            project.fault("drop", "--service", "lambda", "--operation", "Invoke", "--count", "1")
            said = self.pawl(ROLLED_BACK, "deploy", "dev", "--tag", "v" + version)
            self.says(said, "whether the hook migrate did its work is not known",
                      "--hook migrate=ran")
            self.equal("what answers", project.answering_version(), live)
            self.is_left_to_a_person(version)
            self.ran(before + 1)
            calls = project.runs() + project.repeats()
            self.deploy(version, "--hook", "migrate=" + word)
            self.equal("calls", project.runs() + project.repeats(),
                       calls + (word == "again"))

    def is_left_to_a_person(self, version):
        said = self.pawl(REFUSED, "deploy", "dev", "--tag", "v" + version)
        self.says(said, "it may not be called twice", "--hook migrate=ran, or --hook migrate=again")

    def killed_in_the_call_it_is_asked_again(self):
        before = self.project.runs()
        self.project.release("1.4.0", True)
        self.stopped_in_the_call("1.4.0", signal.SIGKILL)
        self.holds("the call was carried out all the same", self.project.runs_become(before + 1))
        said = self.pawl(DEPLOYED, "resume")
        self.says(said, "1.4.0 is live in dev")
        self.equal("what answers", self.project.answering_version(), "1.4.0")
        self.ran(before + 1)

    def killed_in_the_call_it_is_left_to_a_person(self):
        project = self.project
        project.with_hook(idempotent=False)
        before = project.runs()
        project.release("1.5.0", True)
        self.stopped_in_the_call("1.5.0", signal.SIGKILL)
        self.holds("the call was carried out all the same", project.runs_become(before + 1))
        calls = project.runs() + project.repeats()
        said = self.pawl(ROLLED_BACK, "resume")
        self.says(said, "whether the hook migrate did its work is not known")
        self.equal("what answers", project.answering_version(), "1.4.0")
        self.is_left_to_a_person("1.5.0")
        self.equal("calls", project.runs() + project.repeats(), calls)
        self.deploy("1.5.0", "--hook", "migrate=ran")
        self.equal("calls", project.runs() + project.repeats(), calls)

    def ctrl_c_in_the_call_waits_for_the_answer(self):
        project = self.project
        project.with_hook(idempotent=False)
        before = project.runs()
        project.release("1.6.0", True)
        code = self.stopped_in_the_call("1.6.0", signal.SIGINT)
        self.equal("exit code after Ctrl-C", code, INTERRUPTED)
        self.ran(before + 1)
        self.pawl(DEPLOYED, "resume")
        self.equal("what answers", project.answering_version(), "1.6.0")
        self.ran(before + 1)

    def stopped_in_the_call(self, version, how):
        """Its exit code."""
        project = self.project
        project.fault(CALL_TAKES, "--service", "lambda", "--operation", "Invoke", "--count", "1")
        process = project.start_until_fault("deploy", "dev", "--tag", "v" + version)
        self.holds(f"{version} was in the hook when it was stopped", process is not None)
        if process is None:
            return None
        process.send_signal(how)
        code = process.wait(timeout=60)
        project.no_faults()
        return code

    # ---- how it is said ----

    def deploy(self, version, *words):
        said = self.pawl(DEPLOYED, "deploy", "dev", "--tag", "v" + version, *words)
        self.says(said, f"{version} is live in dev")
        self.equal("what answers", self.project.answering_version(), version)

    def pawl(self, expected, *words):
        code, said = self.project.run(*words)
        said = said.replace(self.project.password, "<the password>") if self.verbose else said
        if self.verbose:
            print(f"[{self.case}] $ pawl {' '.join(words)}\n{said}-> {code}", flush=True)
        if code != expected:
            self.add(f"pawl {' '.join(words)} ended with {code}, not {expected}:\n"
                     + "\n".join("  | " + line for line in said.splitlines()[-30:]))
        return said

    def ran(self, times):
        self.equal("how often the migration has run", self.project.runs(), times)

    def says(self, said, *parts):
        flat = " ".join(said.split())
        for part in parts:
            if part not in flat:
                self.add(f"the words lack {part!r}:\n"
                         + "\n".join("  | " + line for line in said.splitlines()[-30:]))

    def equal(self, what, found, wanted):
        if found != wanted:
            self.add(f"{what}: {found!r} instead of {wanted!r}")

    def holds(self, what, is_so):
        if not is_so:
            self.add("it does not hold that " + what)

    def add(self, problem):
        self.problems.append(f"{self.case}: "
                             + problem.replace(self.project.password, "<the password>"))
