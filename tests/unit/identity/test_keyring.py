"""Who a key is, and why it is refused."""

from dataclasses import replace

import pytest

from server.errors import Unauthenticated
from server.identity.key_format import make, renew
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper
from server.store.base import KeyRecord, KeySettings, StoredSecret
from tests.unit.identity.clock import Clock

PEPPER = Pepper(b"p" * 32)
KEY = make()


def _record(clock: Clock, **changes: object) -> KeyRecord:
    fields: dict[str, object] = {
        "settings": KeySettings(methods=("aignehub.v1.*",), models=("*",), concurrent_calls=3, labels=(("a", "b"),)),
        "secrets": (StoredSecret(PEPPER.digest(KEY.text)),),
    }
    return KeyRecord(KEY.id, created_at=clock.now, **(fields | changes))  # type: ignore[arg-type]


def _keyring(clock: Clock, **changes: object) -> Keyring:
    keyring = Keyring(PEPPER, clock)
    keyring.replace([_record(clock, **changes)])
    return keyring


def test_the_caller_carries_what_the_key_has(clock: Clock) -> None:
    caller = _keyring(clock).authenticate(KEY.text)
    assert caller.id == f"key:{KEY.id}"
    assert caller.key_id == KEY.id
    assert caller.rights.methods == ("aignehub.v1.*",)
    assert caller.concurrent_calls == 3
    assert caller.labels == (("a", "b"),)


def test_an_unknown_id_and_a_wrong_secret_look_alike(clock: Clock) -> None:
    keyring = _keyring(clock)
    errors = []
    for text in (make().text, renew(KEY.id).text):
        with pytest.raises(Unauthenticated) as caught:
            keyring.authenticate(text)
        errors.append((caught.value.message, caught.value.reason, caught.value.metadata))
    assert errors[0] == errors[1]
    assert errors[0][1] == "API_KEY_INVALID"
    assert keyring.lookups == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revoked_at": 1.0}, "API_KEY_REVOKED"),
        ({"settings": KeySettings(disabled=True)}, "API_KEY_DISABLED"),
        ({"settings": KeySettings(expires_at=1_800_000_000.0)}, "API_KEY_EXPIRED"),
        ({"secrets": ()}, "API_KEY_INVALID"),
    ],
    ids=["revoked", "disabled", "expired", "no secret"],
)
def test_an_ended_key_says_why_to_its_holder_alone(clock: Clock, changes: dict[str, object], reason: str) -> None:
    keyring = _keyring(clock, **changes)
    with pytest.raises(Unauthenticated) as caught:
        keyring.authenticate(KEY.text)
    assert caught.value.reason == reason
    with pytest.raises(Unauthenticated) as caught:
        keyring.authenticate(renew(KEY.id).text)
    assert caught.value.reason == "API_KEY_INVALID"
    assert keyring.unwritten_uses() == {}
    assert not keyring.accepts(KEY.text)


def test_a_key_works_until_the_second_it_expires(clock: Clock) -> None:
    keyring = _keyring(clock, settings=KeySettings(expires_at=clock.now + 10))
    clock.now += 9.99
    assert keyring.authenticate(KEY.text).expires_at == clock.now + 0.01
    clock.now += 0.02
    with pytest.raises(Unauthenticated):
        keyring.authenticate(KEY.text)


def test_two_secrets_live_side_by_side_until_the_grace_is_over(clock: Clock) -> None:
    newer = renew(KEY.id)
    secrets = (
        StoredSecret(PEPPER.digest(newer.text)),
        StoredSecret(PEPPER.digest(KEY.text), expires_at=clock.now + 60),
    )
    keyring = _keyring(clock, secrets=secrets)
    assert keyring.authenticate(KEY.text) == keyring.authenticate(newer.text)
    clock.now += 60
    assert keyring.accepts(newer.text)
    with pytest.raises(Unauthenticated) as caught:
        keyring.authenticate(KEY.text)
    assert caught.value.reason == "API_KEY_INVALID"


def test_what_was_proven_once_is_judged_anew_when_the_key_changes(clock: Clock) -> None:
    secrets = (StoredSecret(PEPPER.digest(KEY.text), expires_at=clock.now + 60),)
    keyring = _keyring(clock, secrets=secrets)
    before = keyring.authenticate(KEY.text)
    assert keyring.authenticate(KEY.text) is before
    record = keyring.records()[0]
    keyring.put(replace(record, settings=replace(record.settings, models=("openai/*",))))
    assert keyring.authenticate(KEY.text).rights.models == ("openai/*",)
    keyring.put(replace(record, revoked_at=clock.now))
    with pytest.raises(Unauthenticated) as caught:
        keyring.authenticate(KEY.text)
    assert caught.value.reason == "API_KEY_REVOKED"
    keyring.put(record)
    assert keyring.authenticate(KEY.text) == before
    clock.now += 60
    with pytest.raises(Unauthenticated):
        keyring.authenticate(KEY.text)
    keyring.replace([])
    with pytest.raises(Unauthenticated):
        keyring.authenticate(KEY.text)


def test_another_key_of_the_same_id_is_never_taken_for_a_proven_one(clock: Clock) -> None:
    keyring = _keyring(clock)
    for presented in (KEY.text, KEY.text + "x", KEY.text[:-1], " " + KEY.text, renew(KEY.id).text, KEY.text + "\ud800"):
        if presented == KEY.text:
            keyring.authenticate(presented)
            continue
        with pytest.raises(Unauthenticated):
            keyring.authenticate(presented)


def test_a_use_is_noted_and_told_once(clock: Clock) -> None:
    keyring = _keyring(clock)
    record = keyring.records()[0]
    assert keyring.last_use(record) is None
    keyring.authenticate(KEY.text)
    uses = keyring.unwritten_uses()
    assert uses == {KEY.id: clock.now}
    keyring.mark_written(uses)
    assert keyring.unwritten_uses() == {}
    assert keyring.last_use(record) == clock.now
    clock.now += 1
    keyring.authenticate(KEY.text)
    assert keyring.unwritten_uses() == {KEY.id: clock.now}


def test_accepts_is_no_use(clock: Clock) -> None:
    keyring = _keyring(clock)
    assert keyring.accepts(KEY.text)
    assert not keyring.accepts("nonsense")
    assert keyring.unwritten_uses() == {}
    assert keyring.lookups == 0


def test_nothing_shown_holds_a_secret_or_its_digest(clock: Clock) -> None:
    keyring = _keyring(clock)
    shown = repr(keyring.records()) + repr(keyring._entries) + repr(keyring.authenticate(KEY.text))
    digest = PEPPER.digest(KEY.text)
    assert repr(digest)[2:12] not in shown
    assert digest.hex()[:12] not in shown
    assert KEY.text[21:40] not in shown
    with pytest.raises(Unauthenticated) as caught:
        keyring.authenticate(KEY.text[:-1] + "é")
    assert KEY.text[21:40] not in repr(caught.value)
