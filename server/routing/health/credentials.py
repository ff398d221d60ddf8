"""Which key of a provider a call uses: smooth weighted round robin over those in health, by model."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from server.transport.endpoint import Credential

COOL_DOWN = 90.0
"""Seconds without a Retry-After for which a key that met a rate limit is passed over, where there is another."""
LONG_COOL_DOWN = 180.0
"""The same from the third limit in a row."""
_MANY = 3
RECOVERY = 180.0
"""Seconds after a rate limit in which the key, once cool, gets a tenth of its share."""
_TENTH = 0.1
_FIRST_CHECK = 5.0
_LONGEST_CHECK = 3 * 3600.0
_MOST_MODELS = 1000
"""Models of one key of which a limit is remembered; their names come from callers."""


@dataclass(slots=True)
class _Limit:
    """A rate limit that a key met on one model."""

    until: float
    """Passed over until then, where there is another key."""
    obeyed_until: float
    """The provider said so: no call before that, even where there is no other key."""
    met_at: float
    in_a_row: int = 1


@dataclass(slots=True)
class _Key:
    """One credential and what is known of it."""

    credential: Credential
    current: float = 0.0
    epoch: int = 0
    """Counts its refusals: an answer to a call that began before one says nothing of it."""
    disabled: bool = False
    check_at: float = 0.0
    checks: int = 0
    checking: bool = False
    spent: bool = False
    """Refused for want of credit, which a free request does not tell."""
    limits: dict[str, _Limit] = field(default_factory=dict)


@dataclass(slots=True)
class Lease:
    """A key for one call; handed back with how the call ended."""

    credential: Credential
    model: str
    epoch: int
    check: bool
    """This call tries whether a refused key works again."""
    at: float = 0.0
    """When it was given."""


class CredentialPool:
    """The keys of one provider instance. The last key is never given up, whatever happened to it."""

    def __init__(self, credentials: Sequence[Credential]) -> None:
        self._keys = {credential.name: _Key(credential) for credential in credentials}

    def replace(self, credentials: Sequence[Credential]) -> bool:
        """Other keys from now on; a key that is the same keeps what is known of it. True where some are new."""
        kept: dict[str, _Key] = {}
        secrets = {key.credential.secret for key in self._keys.values()}
        for credential in credentials:
            known = self._keys.get(credential.name)
            same = known is not None and known.credential.secret == credential.secret
            kept[credential.name] = known if known is not None and same else _Key(credential)
            kept[credential.name].credential = credential
        self._keys = kept
        return any(credential.secret not in secrets for credential in credentials)

    def pick(self, model: str, now: float, tried: Collection[str] = ()) -> Lease | None:
        """The key whose turn it is among those not ``tried``; None where all are, or must be left alone for now.

        A refused key is picked again where its time has come, and in any case where it is the only one.
        """
        if not tried and (plain := self._plain()):
            return Lease((key := _plain_turn(plain)).credential, model, key.epoch, check=False, at=now)
        usable = [key for key in self._keys.values() if key.credential.name not in tried]
        usable = [key for key in usable if not _must_wait(key, model, now)]
        if not usable:
            return None
        fit = [key for key in usable if _is_fit(key, model, now)]
        key = _turn(fit, model, now) if fit else _least_bad(usable, model, now)
        check = key.disabled
        if check:
            key.checking = True
        return Lease(key.credential, model, key.epoch, check, now)

    def _plain(self) -> Sequence[_Key]:
        """All keys where none is refused or met a limit, as nearly always; else none."""
        for key in self._keys.values():
            if key.disabled or key.limits:
                return ()
        return tuple(self._keys.values())

    def wait(self, model: str, now: float) -> float:
        """Seconds until some key may be used for the model again; 0 where one may now."""
        limits = [key.limits.get(model) for key in self._keys.values()]
        return min((max(0.0, limit.obeyed_until - now) if limit else 0.0 for limit in limits), default=0.0)

    def succeeded(self, lease: Lease) -> bool:
        """The provider took the key; True where it had refused it before.

        A success that began before a refusal or a limit does not undo that.
        """
        if (key := self._of(lease)) is None:
            return False
        _end_check(key, lease)
        if lease.epoch != key.epoch:
            return False
        recovered, key.disabled = key.disabled, False
        key.checks = 0
        limit = key.limits.get(lease.model)
        if limit is not None and lease.at >= limit.met_at:
            del key.limits[lease.model]
        return recovered

    def refused(self, lease: Lease, now: float, *, spent: bool = False) -> bool:
        """The provider refused the key (401, 402, a 403 about it): it is left alone until a check is due.

        True where that is news. ``spent`` is for an account without credit: only a call can tell whether it has some
        again.
        """
        if (key := self._of(lease)) is None:
            return False
        _end_check(key, lease)
        if lease.epoch != key.epoch and not lease.check:
            return False  # one refusal, met by several calls at once, counts once
        news = not key.disabled
        key.epoch += 1
        key.disabled = True
        key.spent = spent
        self._postpone(key, now)
        return news

    def postponed(self, lease: Lease, now: float) -> None:
        """A check of a refused key came to nothing: the next one is later."""
        if (key := self._of(lease)) is not None:
            _end_check(key, lease)
            self._postpone(key, now)

    def _postpone(self, key: _Key, now: float) -> None:
        key.check_at = now + _check_after(key.checks)
        key.checks += 1

    def limited(self, lease: Lease, now: float, retry_after: float | None) -> None:
        """The key met a rate limit on the lease's model; the other models do not suffer for it."""
        if (key := self._of(lease)) is None:
            return
        _end_check(key, lease)
        known = key.limits.pop(lease.model, None)
        in_a_row = known.in_a_row + 1 if known else 1
        if known is not None and now < known.until:
            in_a_row = known.in_a_row  # met by several calls at once
        given = COOL_DOWN if in_a_row < _MANY else LONG_COOL_DOWN
        obeyed_until = max(now + (retry_after or 0.0), known.obeyed_until if known else 0.0)
        until = max(now + (given if retry_after is None else retry_after), obeyed_until)
        if len(key.limits) >= _MOST_MODELS:
            key.limits.pop(next(iter(key.limits)))
        key.limits[lease.model] = _Limit(until, obeyed_until, now, in_a_row)

    def ended(self, lease: Lease) -> None:
        """The call ended in a way that says nothing of the key."""
        if (key := self._of(lease)) is not None:
            _end_check(key, lease)

    def healthy(self) -> int:
        """How many keys are not refused."""
        return sum(not key.disabled for key in self._keys.values())

    def states(self, now: float) -> Mapping[str, str]:
        """By the key's name: ``ok``, ``refused`` or ``limited`` (on some model)."""
        return {name: _told(key, now) for name, key in self._keys.items()}

    def due(self, now: float) -> Sequence[Lease]:
        """Refused keys that a free request can check and whose check is due, each once for whoever asks."""
        refused = [key for key in self._keys.values() if key.disabled and not key.spent and not key.checking]
        found = [key for key in refused if now >= key.check_at]
        for key in found:
            key.checking = True
        return [Lease(key.credential, "", key.epoch, check=True, at=now) for key in found]

    @property
    def size(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    def _of(self, lease: Lease) -> _Key | None:
        """The key of a lease; None where it was replaced since."""
        key = self._keys.get(lease.credential.name)
        return key if key is not None and key.credential.secret == lease.credential.secret else None


def _check_after(checks: int) -> float:
    """5 s, then 6, 7, 9, 13 and so on up to three hours."""
    return _FIRST_CHECK if not checks else min(_FIRST_CHECK + 2.0 ** min(checks - 1, 20), _LONGEST_CHECK)


def _end_check(key: _Key, lease: Lease) -> None:
    if lease.check:
        key.checking = False


def _must_wait(key: _Key, model: str, now: float) -> bool:
    limit = key.limits.get(model)
    return limit is not None and now < limit.obeyed_until


def _is_fit(key: _Key, model: str, now: float) -> bool:
    if key.disabled:
        return now >= key.check_at and not key.checking
    limit = key.limits.get(model)
    return limit is None or now >= limit.until


def _least_bad(keys: Iterable[_Key], model: str, now: float) -> _Key:
    """Of keys that all have a fault: one that is merely cooling down before one that was refused."""

    def fault(key: _Key) -> tuple[bool, float]:
        limit = key.limits.get(model)
        return key.disabled, key.check_at if key.disabled else (limit.until if limit else now)

    return min(keys, key=fault)


def _turn(keys: Sequence[_Key], model: str, now: float) -> _Key:
    """Smooth weighted round robin: weights 200 and 100 give A B A A B A A B A.

    https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1
    """
    if len(keys) == 1:
        return keys[0]
    total = 0.0
    for key in keys:
        weight = _weight(key, model, now)
        key.current += weight
        total += weight
    chosen = max(keys, key=lambda key: key.current)
    chosen.current -= total
    return chosen


def _plain_turn(keys: Sequence[_Key]) -> _Key:
    """``_turn`` among keys that nothing is the matter with."""
    chosen, total = keys[0], 0.0
    for key in keys:
        key.current += key.credential.weight
        total += key.credential.weight
        if key.current > chosen.current:
            chosen = key
    chosen.current -= total
    return chosen


def _weight(key: _Key, model: str, now: float) -> float:
    limit = key.limits.get(model)
    recovering = limit is not None and now < limit.met_at + RECOVERY
    return key.credential.weight * (_TENTH if recovering else 1.0)


def _told(key: _Key, now: float) -> str:
    if key.disabled:
        return "refused"
    return "limited" if any(now < limit.until for limit in key.limits.values()) else "ok"
