"""The README's section about containers, run as it stands there but for the names of what is made."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import yaml
from engine import CLIENT, NAME, Container, Engine, docker, lines, until
from sidecar import Check, expect

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PATIENCE = 180.0


def block(kind: str, words: str) -> str:
    """The one block of the README with these words in it."""
    (found,) = (text for one, text in BLOCKS if one == kind and words in text)
    return found


class Names:
    """Words of the README's commands that name images, containers and volumes, as we call them here."""

    def __init__(self, engine: Engine, images: dict[str, str]) -> None:
        self.volume = engine.volume()
        self.words = {"docker": " ".join(CLIENT), "asyncwatch": images["base"]}
        self.words |= {name: f"{NAME}-{name}" for name in ("shop", "jam", "reader")}

    def here(self, command: str) -> str:
        command = command.replace("container:jam", f"container:{self.words['jam']}")
        command = re.sub(r"(?<=\s)watch:", f"{self.volume}:", command)
        return "".join(self.words.get(word, word) for word in re.split(r"(\s+)", command))


def shape(text: str) -> str:
    """An output without what differs from run to run: times, ages, durations, and the order of the findings."""
    text = re.sub(r"\d{4}-\d\d-\d\d", "<day>", re.sub(r"\d\d:\d\d:\d\d", "<clock>", text))
    text = re.sub(r"\d+(\.\d+)? m?s\b", "<time>", text)
    return "\n".join(re.sub(r" +", " ", line) for line in text.strip().splitlines())


def run_block(names: Names, words: str, folder: Path) -> str:
    """Run a block's commands one after another; each has to print what is shown under it."""
    parts = re.split(r"^\$ (.*)\n", block("console", words), flags=re.MULTILINE)[1:]
    seen = []
    for command, shown in zip(parts[::2], parts[1::2], strict=True):
        done = subprocess.run(
            ["bash", "-c", names.here(command)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        expect(done.returncode == 0, f"{command}: {done.stderr}")
        expect(shape(done.stdout) == shape(shown), f"{command} printed:\n{done.stdout}")
        seen.append(f"{len(done.stdout.splitlines())}")
    return f"{len(seen)} commands, as shown"


def checks(engine: Engine, images: dict[str, str]) -> list[Check]:
    """The two blocks of commands, and the compose file."""
    python = {"shop": block("python", "def send_mail"), "jam": block("python", "fetch-1")}

    def image(name: str) -> str:
        names = Names(engine, images)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, f"{name}.py").write_text(python[name])
            text = block("dockerfile", "FROM asyncwatch").replace("shop", name)
            return engine.build(
                name, Path(folder), text.replace("FROM asyncwatch", f"FROM {names.words['asyncwatch']}")
            )

    def toggle() -> str:
        with tempfile.TemporaryDirectory() as folder:
            names = Names(engine, images)
            Path(folder, "shop.py").write_text(python["shop"])
            text = block("dockerfile", "FROM asyncwatch")
            Path(folder, "Dockerfile").write_text(text.replace("FROM asyncwatch", f"FROM {images['base']}"))
            return run_block(names, "docker build -q -t shop", Path(folder))

    def beside() -> str:
        image("jam")
        names = Names(engine, images)
        try:
            return run_block(names, "--name reader", Path())
        finally:
            docker("rm", "-f", names.words["jam"], names.words["reader"], check=False)

    def compose() -> str:
        image("jam")
        return composed(engine, Names(engine, images))

    return [("from off to on", toggle), ("the sidecar", beside), ("the compose file, by its parts", compose)]


def composed(engine: Engine, names: Names) -> str:
    """Start the services of the compose file, in its order, each by what its keys mean to the engine."""
    services = yaml.safe_load(block("yaml", "services:"))["services"]
    started: dict[str, Container] = {}
    try:
        for name, service in services.items():
            expect(service.keys() <= {"image", "environment", "volumes", "command"}, str(service.keys()))
            options = [
                word for pair in service.get("environment", {}).items() for word in ("-e", "{}={}".format(*pair))
            ]
            for volume in service["volumes"]:
                options += ["-v", names.here(f" {volume}").strip()]
            image = names.words[service["image"]]
            started[name] = engine.start(image, *service.get("command", ()), options=options)
        until("found", lambda: "AW102" in [line["code"] for line in lines(started["findings"].logs()[0])])
        return f"{', '.join(started)}: AW102 on the second one's standard output"
    finally:
        for one in started.values():
            one.remove()
