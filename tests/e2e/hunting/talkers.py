"""What says too much of what it was given: a function whose migration prints its variables and
answers with them, and a build that prints the secrets it was lent."""

import pathlib
import shutil
import urllib.parse

from hooking.example import begin_migration_with, switch_on

VARIABLES = """variable "function_token" {
  type      = string
  sensitive = true
}
variable "function_address" {
  type      = string
  sensitive = true
}
"""
FUNCTION = """resource "aws_lambda_function" "app" {
  environment {
    variables = { MEALS_API_TOKEN = var.function_token, DATABASE_URL = var.function_address }
  }
}
"""
TALKS = """  const std::string address = environment("DATABASE_URL", "");
  const std::string token = environment("MEALS_API_TOKEN", "");
  std::string password;
  for (size_t i = address.find(':', 10) + 1; i < address.find('@'); ++i) {
    const bool is_encoded = address[i] == '%%';
    const std::string code = is_encoded ? address.substr(i + 1, 2) : "";
    password += is_encoded ? static_cast<char>(std::stoi(code, nullptr, 16)) : address[i];
    if (is_encoded) i += 2;
  }
  std::printf("connecting to %%s\\n", address.c_str());
  std::printf("that is with %%s, and with %%s\\n", password.c_str(), token.c_str());
  return Json(Json::Object{{"status", %s}, {"token", token}, {"address", address},
                           {"password", password}});
"""
GOOD, BAD = '"ok"', '"not with " + token + " nor " + password'
# A stage that the image is made from, so that it is built.
READS_SECRETS = """FROM scratch AS reads
COPY out/busybox /bin/sh
COPY out/busybox /bin/cat
RUN --mount=type=secret,id=npm --mount=type=secret,id=pip \\
    cat /run/secrets/npm /run/secrets/pip && echo read >/read
"""
BUSYBOX = pathlib.Path("/bin/busybox")  # static: Debian's busybox-static


def give_secrets(project, known):
    """To the function, by Terraform, and to the build, by image.build.secrets."""
    password = urllib.parse.quote(known["function's password"], safe="")
    project.variables["TF_VAR_function_token"] = known["function's token"]
    project.variables["TF_VAR_function_address"] = f"postgres://meals:{password}@db.example/meals"
    tree = project.folder / "terraform"
    (tree / "function_secrets.tf").write_text(VARIABLES)
    (tree / "function_override.tf").write_text(FUNCTION)
    project.variables["NPM_TOKEN"] = known["build secret"]
    (project.folder / "pip.conf").write_text(known["build secret in a file"] + "\n")
    (project.folder / "pip.conf").chmod(0o600)
    (project.folder / ".git/info/exclude").write_text("pip.conf\n")
    config = project.folder / "pawl.yaml"
    text = switch_on(config.read_text()).replace(
        "    context: .\n",
        '    context: .\n    secrets: {npm: "env:NPM_TOKEN", pip: "file:pip.conf"}\n', 1)
    config.write_text(text)
    if BUSYBOX.exists():
        read_them_in_the_build(project)


def read_them_in_the_build(project):
    dockerfile = project.folder / "Dockerfile"
    (project.folder / "out").mkdir(exist_ok=True)
    shutil.copy(BUSYBOX, project.folder / "out/busybox")
    with open(project.folder / ".dockerignore", "a") as travels:
        travels.write("!out/busybox\n")
    text = dockerfile.read_text()
    assert "\nFROM scratch\n" in text
    dockerfile.write_text(text.replace(
        "\nFROM scratch\n", f"\n{READS_SECRETS}FROM scratch\nCOPY --from=reads /read /read\n", 1))


def talk(project, status):
    begin_migration_with(project.example, project.folder, TALKS % status)


def be_quiet(project):
    begin_migration_with(project.example, project.folder, "")
