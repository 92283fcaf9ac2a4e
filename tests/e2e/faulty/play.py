"""One case: a new release is deployed while the network misbehaves. Afterwards the world is the new
one or exactly the old one, as the exit code says; the words name what happened and where; and when
the network is well again, so is the next deployment."""

import re
import time

from faulty.cases import DONE, FAILED, NAMES, ROLLED_BACK, WORDS
from faulty.proxy import Fault
from faulty.project import SHORT_LIMITS

# A rollback is not cut off by the deployment's limit: each undo has the time of a step; and who is
# not there to be told is tried for some time.
ENDS_WITHIN_S = 300
TELLS_WHAT_TO_DO = re.compile(
    r"pawl (show|logs|status|doctor|resume)|certificate has to be|set |try again later"
    r"|wait, log in")


class Play:
    def __init__(self, project, case, verbose):
        self.project, self.case, self.verbose = project, case, verbose
        self.problems = []

    def run(self):
        project, case = self.project, self.case
        version = project.new_release()
        before = project.world().live("dev")
        began = time.monotonic()
        code, said = self.deploy_broken(version)
        took = time.monotonic() - began
        after = project.world().live("dev")
        if self.verbose:
            print(f"{case}: {code} in {took:.1f} s\n{said}", flush=True)
        if self.fault.hits == 0 and case.kind != "expired certificate":
            self.problems.append("the fault never happened; requests: "
                                 + ", ".join(project.proxies[case.adapter].asked[-8:]))
        self.has_begun = f"deployment {project.history()[-1]['id']} of" in said
        if code == ROLLED_BACK and not self.has_begun:
            # What it has to know before it can begin could not be read.
            if after != before:
                self.problems.append(f"it never began, and {before} became {after}")
            if "nothing was changed" not in said:
                self.problems.append("it does not say that nothing was changed")
        elif code == FAILED and not self.has_begun:
            self.problems.append("it never began, and says that all is not as it was (1)")
        elif code not in case.codes():
            self.problems.append(f"ended with {code}, which is none of {sorted(case.codes())}")
        self.judge_world(code, version, before, after)
        self.judge_words(code, said)
        if self.problems:
            self.problems.append("it said:\n" + "\n".join(
                "    | " + line for line in said.splitlines()[-30:]))
        if code == FAILED:
            self.recover()
        return self.problems

    def deploy_broken(self, version):
        project, case = self.project, self.case
        proxy = project.proxies[case.adapter]
        self.fault = Fault(case.kind, case.place, case.for_good)
        if case.kind == "expired certificate":
            proxy.speak_tls("expired")
        else:
            proxy.break_with(self.fault)
        project.point_at_proxies(SHORT_LIMITS if case.kind == "silence" else "")
        try:
            return project.run("deploy", "dev", "--tag", "v" + version, sandbox=False,
                               limit=ENDS_WITHIN_S)
        finally:
            project.heal()

    def judge_world(self, code, version, before, after):
        """All of the release, or nothing of it."""
        pushed = self.project.pushed[version]
        if code == DONE:
            if after["alias"]["digest"] != pushed or after["latest"] != pushed:
                self.problems.append(f"it says that {version} is live ({pushed}): {after}")
        elif code != FAILED and after != before:
            self.problems.append(f"it says that all is as it was: {before} became {after}")
        newest = self.project.history()[-1]
        if not newest["finished"]:
            self.problems.append(f"the journal has it as unfinished: {newest['phase']}")

    def judge_words(self, code, said):
        case = self.case
        if code == DONE and case.adapter != "github":
            return  # it got over it
        if code == DONE and "not told" not in said and not case.for_good:
            return
        if not re.search(WORDS[case.kind], said, re.I):
            self.problems.append(f"it does not say what happened ({WORDS[case.kind]})")
        port = f"127.0.0.1:{self.project.proxies[case.adapter].port}"
        if not re.search(NAMES[case.adapter] + "|" + re.escape(port), said, re.I):
            self.problems.append(f"it does not say where ({NAMES[case.adapter]})")
        if code != DONE and not TELLS_WHAT_TO_DO.search(said):
            self.problems.append("it does not say what to do")

    def recover(self):
        """The network is well again: the next release goes live, whatever was left behind."""
        version = self.project.new_release()
        code, said = self.project.deploy(version)
        after = self.project.world().live("dev")
        if code != DONE or after["alias"]["digest"] != self.project.pushed[version]:
            self.problems.append(f"the next deployment ended with {code}, live is {after}:\n{said}")
