"""The full run: good and bad releases, every command that prints, and everything refused with a
secret in hand."""

from hunting import talkers
from outside.scenario import DEPLOYED, ROLLED_BACK

USAGE, REFUSED = 2, 4


class FullRun:
    def __init__(self, hunt, postgres=None):
        self.hunt, self.stack, self.project = hunt, hunt.stack, hunt.project
        self.postgres = postgres

    def play(self):
        self.stack.bootstrap()
        self.releases()
        self.hooks_that_talk()
        self.commands_that_print()
        self.services_that_refuse()
        if self.postgres:
            self.a_journal_in_postgresql()

    def releases(self):
        hunt, project = self.hunt, self.project
        project.release("v1.0.0")
        hunt.pawl(DEPLOYED, "deploy", "dev", "--tag", "v1.0.0", "--verbose")
        project.apply(project.example / "broken-release.patch")
        project.release("v1.1.0")
        hunt.pawl(ROLLED_BACK, "deploy", "dev", "--tag", "v1.1.0", "--verbose")
        project.apply(project.example / "broken-release.patch", back=True)
        project.release("v1.1.1")
        # As a person has them: keys with a session token in the environment.
        hunt.pawl(DEPLOYED, "deploy", "dev", "--tag", "v1.1.1", "--verbose", **self.own_keys())
        hunt.pawl(DEPLOYED, "rollback", "dev", "--to", "1.0.0", "--verbose")

    def hooks_that_talk(self):
        hunt, project = self.hunt, self.project
        for tag, status, code in (("v1.1.2", talkers.GOOD, DEPLOYED),
                                  ("v1.1.3", talkers.BAD, ROLLED_BACK)):
            talkers.talk(project, status)
            project.release(tag)
            said = hunt.pawl(code, "deploy", "dev", "--tag", tag, "--verbose")
            talkers.be_quiet(project)
            if b"connecting to postgres://meals:***@db.example" not in said:
                hunt.problems.append(f"what the hook of {tag} printed is not shown")
        hunt.pawl(DEPLOYED, "logs", "dev", "--step", "hook_migrate")

    def own_keys(self):
        return {"AWS_ROLE_ARN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "", **self.stack.keys()}

    def commands_that_print(self):
        for words in (("doctor", "dev", "--verbose"), ("plan", "dev", "--tag", "v1.1.1", "--json"),
                      ("show", "dev", "--events"), ("show", "dev", "--events", "--json"),
                      ("logs", "dev"), ("logs", "dev", "--json"), ("history", "--json"),
                      ("status", "--json"), ("metrics", "--json"), ("config", "check")):
            self.hunt.pawl(None, *words)

    def services_that_refuse(self):
        """Each names, as far as it may, what it was given: GitHub quotes the token, PostgreSQL's
        address is wrong, the registry's password is."""
        hunt, project, known = self.hunt, self.project, self.hunt.secrets.values
        project.release("v1.2.0")
        self.stack.github.quotes_tokens = True
        hunt.pawl(DEPLOYED, "deploy", "dev", "--tag", "v1.2.0", "--verbose")
        hunt.pawl(None, "doctor", "dev")
        self.stack.github.quotes_tokens = False
        deploy = ("deploy", "dev", "--tag", "v1.2.0", "--verbose")
        hunt.pawl(None, *deploy, **{**self.own_keys(),
                                    "AWS_SECRET_ACCESS_KEY": known["wrong AWS secret"]})
        hunt.pawl(None, *deploy, **{**self.own_keys(),
                                    "AWS_SESSION_TOKEN": known["wrong session token"]})
        hunt.pawl(None, *deploy, GITHUB_TOKEN=known["wrong GitHub token"])
        project.release("v1.3.0")
        docker = self.stack.write_docker_config("docker-wrong", known["wrong registry password"])
        hunt.pawl(None, "deploy", "dev", "--tag", "v1.3.0", "--verbose", DOCKER_CONFIG=docker)
        hunt.pawl(None, "copy", "ghcr.io/example/meals:1.0.0", "127.0.0.1:1/nowhere:1",
                  "--verbose")
        word = known["PostgreSQL password"]
        hunt.pawl(None, "status", PAWL_STORE=f"postgresql://pawl:{encoded(word)}@127.0.0.1:1/none")
        hunt.pawl(None, "status", PAWL_STORE=f"postgresql://pawl:{word}@127.0.0.1:1/none")

    def a_journal_in_postgresql(self):
        hunt, known = self.hunt, self.hunt.secrets.values
        store = self.postgres.url_with(encoded(known["PostgreSQL password"]))
        hunt.pawl(DEPLOYED, "deploy", "dev", "--tag", "v1.1.1", "--verbose", PAWL_STORE=store)
        for words in (("show", "dev", "--events", "--json"), ("logs", "dev"), ("status",)):
            hunt.pawl(DEPLOYED, *words, PAWL_STORE=store)
        hunt.pawl(None, "status", "--verbose",
                  PAWL_STORE=self.postgres.url_with(encoded(known["wrong PostgreSQL password"])))
        hunt.look("the journal in PostgreSQL", self.postgres.dump())
        hunt.look("PostgreSQL's log", self.postgres.log())


def encoded(password):
    from urllib.parse import quote
    return quote(password, safe="")
