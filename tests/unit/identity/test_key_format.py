"""What a key looks like, and that nothing else passes for one."""

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Unauthenticated
from server.identity import key_format
from server.identity.key_format import KEY_LENGTH, make, parse
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper

BASE62 = string.ascii_letters + string.digits


def test_a_made_key_parses_and_has_the_promised_shape() -> None:
    key = make()
    assert parse(key.text) == key
    prefix, key_id, rest = key.text.split("_")
    assert (prefix, len(key_id), len(rest)) == ("hub", 16, 43 + 6)
    assert key_id == key.id
    assert set(key_id + rest) <= set(BASE62)


def test_a_renewed_key_keeps_its_id_and_nothing_else() -> None:
    key = make()
    again = key_format.renew(key.id)
    assert again.id == key.id
    assert again.text != key.text
    assert parse(again.text) == again


def test_made_keys_differ() -> None:
    assert len({make().text for _ in range(1000)}) == 1000


def test_neither_repr_nor_redaction_holds_the_secret() -> None:
    key = make()
    secret = key.text.split("_")[2][:43]
    for shown in (repr(key), key.redacted):
        assert all(secret[i : i + 6] not in shown for i in range(38))
    assert key.redacted == f"{key.text[:8]}…{key.text[-4:]}"


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert parse(text) is None


@given(st.text(alphabet=BASE62 + "_", min_size=KEY_LENGTH - 4, max_size=KEY_LENGTH - 4))
def test_text_of_the_right_length_needs_the_checksum(text: str) -> None:
    found = parse("hub_" + text)
    assert found is None or found.text == "hub_" + text


@given(st.integers(4, KEY_LENGTH - 1), st.sampled_from(BASE62 + "_-é\0 ٣"))
def test_every_single_wrong_character_is_noticed(at: int, character: str) -> None:
    text = KEY.text
    changed = text[:at] + character + text[at + 1 :]
    assert (parse(changed) is None) == (changed != text)


KEY = make()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hub_",
        KEY.text + "\n",
        " " + KEY.text,
        KEY.text.upper(),
        KEY.text[:-1],
        KEY.text + "0",
        KEY.text.replace("hub_", "HUB_"),
        "hub_" + "٣" * (KEY_LENGTH - 4),
        "\ud800" * KEY_LENGTH,
        "hub_" + "a" * 10_000_000,
        "' OR 1=1 --",
    ],
    ids=range(12),
)
def test_garbage_is_refused(text: str) -> None:
    assert parse(text) is None


def test_the_length_of_the_text_costs_nothing() -> None:
    huge = "hub_" + "a" * 50_000_000
    start = time.perf_counter()
    for _ in range(1000):
        parse(huge)
    assert time.perf_counter() - start < 0.1


def _malformed(rng: random.Random) -> str:
    good = list(KEY.text)
    match rng.randrange(4):
        case 0:  # one character changed
            at = rng.randrange(4, KEY_LENGTH)
            good[at] = rng.choice([c for c in BASE62 if c != good[at]])
        case 1:  # two neighbours swapped
            at = rng.choice([i for i in range(22, KEY_LENGTH - 1) if good[i] != good[i + 1]])
            good[at], good[at + 1] = good[at + 1], good[at]
        case 2:  # cut short
            del good[rng.randrange(len(good)) :]
        case _:  # the right shape, at random
            good = list("hub_" + "".join(rng.choices(BASE62, k=16)) + "_" + "".join(rng.choices(BASE62, k=49)))
    return "".join(good)


def test_of_100_000_malformed_keys_none_is_accepted_or_looked_up() -> None:
    keyring = Keyring(Pepper(bytes(32)))
    rng = random.Random(20261123)  # its 25,000 keys of the right shape happen to miss the checksum, at 1 in 2**32 each
    refused = 0
    for _ in range(100_000):
        with pytest.raises(Unauthenticated) as caught:
            keyring.authenticate(_malformed(rng))
        refused += caught.value.reason == "API_KEY_INVALID"
    assert refused == 100_000
    assert keyring.lookups == 0
