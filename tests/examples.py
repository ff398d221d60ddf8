"""Builds the clients under examples/ and runs them against a hub; ends with status 1 where one does not do its job.

Run it with `make examples`. It needs Go and Node with their package registries, so it is no part of `make test`; a
language that is not installed is said to be left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
_WANTED = ("Beacon prairie silver", "26 tokens", "reason PROVIDER_RATE_LIMITED", "try again after 2")
"""What the sandbox's story, usage and failure make every client print."""

_BUILD = {
    "go": [["buf", "generate"], ["go", "build", "-o", "gen/client", "."]],
    "node": [["npm", "install", "--silent", "--no-audit", "--no-fund"]],
}
_RUN = {"go": ["gen/client"], "node": ["node", "main.mjs"]}


def main() -> int:
    """Runs every example whose language is here, and gives the exit status."""
    here = [language for language in _RUN if shutil.which(language)]
    for language in _RUN.keys() - here:
        print(f"{language}: not installed, left out")
    for language in here:
        for command in _BUILD[language]:
            subprocess.run(command, cwd=EXAMPLES / language, check=True, timeout=300)
    with tempfile.TemporaryDirectory() as folder:
        return _ask_hub(here, Path(folder))


def _ask_hub(languages: list[str], folder: Path) -> int:
    command = [sys.executable, "-m", "server", "serve", "--dev", "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'generated'}"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as hub:
        try:
            address = _address(hub)
            key = (folder / ".hub" / "key").read_text().strip()
            return max([_run(language, address, key) for language in languages], default=0)
        finally:
            hub.terminate()


def _address(hub: "subprocess.Popen[str]") -> str:
    assert hub.stdout is not None
    for line in hub.stdout:
        if line.startswith("listening on "):
            return line.split()[-1]
    sys.exit("the hub did not start")


def _run(language: str, address: str, key: str) -> int:
    done = subprocess.run(
        [*_RUN[language], address, key],
        cwd=EXAMPLES / language,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    missing = [text for text in _WANTED if text not in done.stdout]
    print(f"{language}: {f'did not print {missing}: {done.stdout}{done.stderr}' if missing else 'ok'}")
    return 1 if missing or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
