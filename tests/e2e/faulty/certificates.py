"""A certificate for loopback that is good, and one that has run out; both are their own root."""

import subprocess

CONFIG = """[ca]
default_ca = own
[own]
dir = {folder}/{name}
database = {folder}/{name}/index
new_certs_dir = {folder}/{name}
serial = {folder}/{name}/serial
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1, DNS:localhost
basicConstraints = CA:TRUE
"""
YEARS = {"good": ("20200101000000Z", "20450101000000Z"),
         "expired": ("20200101000000Z", "20210101000000Z")}


class Certificates:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for name, (begin, end) in YEARS.items():
            self.make(name, begin, end)
        self.roots = folder / "roots.pem"
        self.roots.write_text("".join((folder / f"{name}.crt").read_text() for name in YEARS))

    def make(self, name, begin, end):
        place = self.folder / name
        place.mkdir()
        (place / "index").write_text("")
        (place / "serial").write_text("01\n")
        config = place / "openssl.cnf"
        config.write_text(CONFIG.format(folder=self.folder, name=name))
        key, request = self.folder / f"{name}.key", place / "request"
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
                str(request), "-subj", f"/CN=pawl {name}")
        openssl("ca", "-batch", "-notext", "-selfsign", "-config", str(config), "-keyfile",
                str(key), "-in", str(request), "-out", str(self.folder / f"{name}.crt"),
                "-startdate", begin, "-enddate", end)

    def pair(self, name):
        return str(self.folder / f"{name}.crt"), str(self.folder / f"{name}.key")


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)
