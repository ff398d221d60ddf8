"""The provider table says what the codecs do."""

import pytest

from server.providers.registry import PROVIDERS
from tools.readme import BEGIN, END, in_readme, provider_table


def row(kind: str) -> list[str]:
    line = next(line for line in provider_table().splitlines() if line.startswith(f"| `{kind}` |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_kind_has_a_row_of_five_cells() -> None:
    rows = provider_table().splitlines()[2:]
    assert [line.split("`")[1] for line in rows] == list(PROVIDERS)
    assert {line.count("|") for line in rows} == {6}


@pytest.mark.parametrize(
    ("kind", "switch", "address", "serves"),
    [
        ("openai", "`OPENAI_API_KEY`", "`https://api.openai.com/v1`", "speech (mp3 opus aac flac wav pcm)"),
        ("azure", "`AZURE_OPENAI_API_KEY` with `AZURE_OPENAI_BASE_URL`", "yours", "live by utterance"),
        ("ollama", "`OLLAMA_API_KEY` or `OLLAMA_BASE_URL`", "`http://localhost:11434`", "images without edits"),
        ("openai-compatible", "an entry under `providers`", "yours", "transcription, translation"),
        ("anthropic", "`ANTHROPIC_API_KEY`", "`https://api.anthropic.com`", "chat, token counts, model list"),
    ],
)
def test_a_row(kind: str, switch: str, address: str, serves: str) -> None:
    found = row(kind)
    assert found[1:3] == [switch, address]
    assert serves in found[3]


def test_what_a_codec_refuses_is_not_told() -> None:
    assert "aac" not in row("groq")[3]
    assert "translation" not in row("xai")[3]


def test_the_table_goes_between_its_marks() -> None:
    assert in_readme(f"a\n{BEGIN}old\n{END}b\n") == f"a\n{BEGIN}{provider_table()}{END}b\n"
    with pytest.raises(ValueError, match="the README has no"):
        in_readme(f"a\n{BEGIN}")
