"""Debian packages: download, unpack, version, and what a copyright file says of a path."""

import fnmatch
import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

AUTHOR_LENGTH = 80


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Package:
    """A package, downloaded with `apt-get download` and unpacked, not installed."""

    name: str
    folder: Path
    version: str

    def copyright_file(self) -> "CopyrightFile":
        path = self.folder / "usr/share/doc" / self.name / "copyright"
        return CopyrightFile(path.read_text(encoding="utf-8"))


def fetch(name: str, cache: Path) -> Package:
    """Download and unpack one package into `cache`, unless it is there already."""
    downloads, folder = cache / "downloads", cache / "unpacked" / name
    downloads.mkdir(parents=True, exist_ok=True)
    if not list(downloads.glob(f"{name}_*.deb")):
        subprocess.run(["apt-get", "-q", "download", name], cwd=downloads, check=True)
    archive = str(next(downloads.glob(f"{name}_*.deb")))
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        partial.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", archive, str(partial)], check=True)
        partial.rename(folder)
    command = ["dpkg-deb", "-f", archive, "Version"]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Package(name, folder, version)


class CopyrightFile:
    """A Debian machine-readable copyright file (DEP-5): the last matching stanza wins."""

    def __init__(self, text: str):
        self.stanzas: list[tuple[list[str], str, str]] = []
        for stanza in re.split(r"\n\s*\n", text):
            fields: dict[str, str] = {}
            name = ""
            for line in stanza.splitlines():
                if line[:1] in (" ", "\t"):
                    fields[name] = fields.get(name, "") + "\n" + line.strip()
                elif ":" in line:
                    name, value = line.split(":", 1)
                    fields[name] = value.strip()
            if "Files" in fields:
                author = "; ".join(fields.get("Copyright", "").split("\n")).strip("; ")
                if len(author) > AUTHOR_LENGTH:
                    author = author[:AUTHOR_LENGTH] + " … (see the package's copyright file)"
                licence = fields.get("License", "").split("\n")[0]
                self.stanzas.append((fields["Files"].split(), author, licence))

    def lookup(self, path: str) -> tuple[str, str]:
        """Author and licence of one source path; empty if no stanza matches."""
        for patterns, author, licence in reversed(self.stanzas):
            if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
                return author, licence
        return "", ""
