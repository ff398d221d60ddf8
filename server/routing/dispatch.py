"""Runs a plan: attempts one after the other or side by side, until one has content."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.errors import AttemptTimedOut, HubError, ProviderTimeout
from server.routing.attempt import Attempt, Terms
from server.routing.catalogue import Candidate, Provider
from server.routing.course import Course
from server.routing.ordering import Ordering, Price, unknown_price
from server.routing.plan import Plan
from server.routing.race import Lost, Race
from server.routing.rules import RoutingRules, Shared

T = TypeVar("T")
E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


class Answer(Protocol):
    """What every whole answer of the contract has."""

    @property
    def usage(self) -> Usage:
        """What was used."""

    @property
    def gateway(self) -> GatewayInfo:
        """What the hub did."""


A = TypeVar("A", bound=Answer)
Cost = Callable[[Candidate, Usage, str], int | None]
"""Nano-USD of what a candidate used in a service tier; None where that is not known."""


def unknown_cost(_candidate: Candidate, _usage: Usage, _tier: str) -> int | None:
    """For a hub that knows no prices."""
    return None


@dataclass(frozen=True, slots=True)
class Reading(Generic[E]):
    """How the events of one kind of stream are read."""

    has_content: Callable[[E], bool]
    """Whether the event tells the caller something of the answer; until one does, another provider may answer."""
    is_last: Callable[[E], bool]
    """Whether it is the event that tells what the hub did."""
    gateway: Callable[[E], GatewayInfo]
    """What the hub did, of the last event."""
    usage: Callable[[E], Usage]
    """What was used, of the last event."""


class Listener(Protocol[E_contra]):
    """Whoever wants to know of two events of a stream, before its caller has them."""

    def began(self, event: E_contra) -> None:
        """The first event."""

    def ended(self, event: E_contra) -> None:
        """The one with ``gateway``, which is the last, also where the stream breaks then; it may still be added to."""


@dataclass(slots=True)
class _Opening(Generic[E]):
    """A stream up to its first content."""

    events: AsyncGenerator[E]
    held: list[E]
    """What came until then, the content last."""
    last: E | None
    """The event with ``gateway``, where the stream ended before any content."""

    @property
    def first(self) -> E | None:
        """The event that came first."""
        return self.held[0] if self.held else self.last

    async def close(self) -> None:
        """Nobody will read it."""
        await self.events.aclose()


class Dispatch:
    """One for the whole server."""

    def __init__(self, shared: Shared, price: Price = unknown_price, cost: Cost = unknown_cost) -> None:
        """Made inside the loop that uses it."""
        self.shared = shared
        self._cost = cost
        self.clock = asyncio.get_running_loop().time
        """Seconds, as deadlines have them."""
        self.order = Ordering(shared.book, shared.random, self.clock, price)
        """Orders the candidates for one model."""

    def adopt(self, providers: Sequence[Provider], rules: RoutingRules) -> None:
        """Follows a new configuration: what is known of providers that stay is kept."""
        self.shared.book.adopt(providers, rules.health)
        self.shared.repeats.share, self.shared.repeats.floor = rules.retry_share, rules.retry_floor
        self.shared.hedges.share = rules.hedge_share
        self.shared = replace(self.shared, rules=rules)

    async def whole(self, plan: Plan, terms: Terms, send: Callable[[Attempt], Awaitable[A]]) -> A:
        """The answer of the first attempt that has one; ``gateway.attempts`` tells of all.

        Raises HubError of the last that failed, with every attempt in its metadata.
        """
        plan = self._hedged(plan)
        with self._course(plan, terms, streaming=False) as course:

            async def one(attempt: Attempt) -> A:
                try:
                    answer = await send(attempt)
                except ProviderTimeout as error:
                    raise _own_bound(error, attempt, terms, plan) from None
                attempt.content()
                return answer

            attempt, answer = await self._first(course, plan, one, _nothing)
            attempt.succeeded(answer.usage.output_tokens)
            _adopt(attempt, terms)
            self._price(attempt, answer.usage, getattr(answer, "service_tier", ""))
            course.tell(answer.gateway)
            return answer

    async def stream(
        self,
        plan: Plan,
        terms: Terms,
        send: Callable[[Attempt], AsyncGenerator[E]],
        reading: Reading[E],
        listener: Listener[E] | None = None,
    ) -> AsyncGenerator[E]:
        """Events of the first attempt that has content; the event with ``gateway`` is the last.

        A stream that breaks later gives that event, then raises its HubError.
        """
        plan = self._hedged(plan)
        with self._course(plan, terms, streaming=True) as course:

            async def one(attempt: Attempt) -> _Opening[E]:
                return await _opened(attempt, send(attempt), reading, plan.attempt_timeout)

            attempt, opening = await self._first(course, plan, one, _Opening.close)
            last, broken = opening.last, None
            if listener is not None and opening.first is not None:
                listener.began(opening.first)
            try:
                async with aclosing(opening.events) as events:
                    for event in opening.held:
                        yield event
                    async for event in events:
                        if reading.is_last(event):
                            last = event
                        else:
                            yield event
                attempt.succeeded(0 if last is None else reading.usage(last).output_tokens)
            except HubError as error:
                broken = course.blame(error)
                attempt.failed(error)
            finally:
                attempt.abandoned()
                _adopt(attempt, terms)
            if last is not None:
                self._price(attempt, reading.usage(last), getattr(last, "service_tier", ""))
                course.tell(reading.gateway(last))
                if listener is not None:
                    listener.ended(last)
                yield last
            if broken is not None:
                raise broken

    def _price(self, attempt: Attempt, usage: Usage, service_tier: str) -> None:
        """Tells what the call cost, where every part of it has a price."""
        cost = self._cost(attempt.candidate, usage, service_tier)
        if cost is not None:
            usage.cost_nano_usd = cost
            attempt.cost_nano_usd = cost

    def _hedged(self, plan: Plan) -> Plan:
        """``plan`` itself, or with the time after which the operator wants calls hedged that do not say."""
        if not self.shared.rules.hedge_at_p95 or plan.hedge_after is not None or not plan.may_race:
            return plan
        known = self.shared.book.known(plan.candidates[0])
        return plan if known is None else replace(plan, hedge_after=known.pace.p95)

    def _course(self, plan: Plan, terms: Terms, *, streaming: bool) -> Course:
        return Course(plan, terms, self.shared, self.clock, streaming=streaming)

    async def _first(
        self,
        course: Course,
        plan: Plan,
        one: Callable[[Attempt], Awaitable[T]],
        drop: Callable[[T], Awaitable[None]],
    ) -> tuple[Attempt, T]:
        """The first attempt with content and what it gave. Raises the call's HubError."""
        while True:
            attempt = course.next()
            if isinstance(attempt, float):
                await asyncio.sleep(attempt)
                continue
            try:
                if plan.hedge_after is not None:
                    return await Race(course, one, drop, self.shared.hedges).run(attempt, plan.hedge_after)
                return attempt, await _alone(attempt, one)
            except Lost as lost:
                wait = course.after(lost.attempt, lost.error)
            if wait:
                await asyncio.sleep(wait)


async def _alone(attempt: Attempt, one: Callable[[Attempt], Awaitable[T]]) -> T:
    try:
        return await one(attempt)
    except HubError as error:
        raise Lost(attempt, error) from None
    except BaseException:
        attempt.abandoned()
        raise


async def _opened(attempt: Attempt, events: AsyncGenerator[E], reading: Reading[E], bound: float | None) -> _Opening[E]:
    """Reads up to the first content, or to the end of a stream that has none."""
    held: list[E] = []
    last: E | None = None
    try:
        async with asyncio.timeout(bound) as scope:
            async for event in events:
                if reading.is_last(event):
                    last = event
                    continue
                held.append(event)
                if reading.has_content(event):
                    attempt.content()
                    break
    except TimeoutError:
        await events.aclose()
        if scope.expired():
            raise _timed_out(bound) from None
        raise
    except BaseException:
        await events.aclose()
        raise
    return _Opening(events, held, last)


async def _nothing(_: object) -> None:
    """A whole answer that lost holds nothing open."""


def _own_bound(error: ProviderTimeout, attempt: Attempt, terms: Terms, plan: Plan) -> ProviderTimeout:
    """``error`` itself, or what it means where the attempt's own bound ended it and not the call's."""
    if error.helps or attempt.call.deadline >= terms.deadline:
        return error
    return _timed_out(plan.attempt_timeout)


def _timed_out(bound: float | None) -> ProviderTimeout:
    return AttemptTimedOut(f"no content within gateway.attempt_timeout, {bound or 0:g} s")


def _adopt(attempt: Attempt, terms: Terms) -> None:
    """The waits of the attempt that won become the call's, where they were counted apart."""
    if attempt.phases is not terms.phases:
        for name in ("upstream_ttfb", "upstream"):
            terms.phases.add(name, attempt.phases.spent(name))
