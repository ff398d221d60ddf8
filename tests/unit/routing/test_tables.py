"""The page on routing says what the code does, name by name and failure by failure."""

from tools import routing_tables


def test_the_tables_are_what_the_code_does() -> None:
    text = routing_tables.PAGE.read_text()
    assert routing_tables.in_page(text) == text, "run `make routing-tables` and read what changed"


def test_the_tables_are_whole() -> None:
    assert len(routing_tables.NAMES) >= 60
    who = {failure.who for failure in routing_tables.FAILURES}
    assert {"openai", "anthropic", "gemini", "mistral", "openrouter", "groq", "xai", "deepseek", "ollama"} <= who


def test_nothing_follows_content() -> None:
    assert {row[-1] for row in routing_tables.actions()} == {"give up"}


def test_a_bad_request_is_never_made_again() -> None:
    rejected = [row for row in routing_tables.actions() if row[1] == "PROVIDER_REJECTED_REQUEST"]
    assert len(rejected) >= 3
    assert {row[2] for row in rejected} == {"give up"}
