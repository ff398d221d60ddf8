"""The same fifteen conversations with every kind of provider, whole and streamed, through one running hub.

`table.py` holds the conversations: what a client asks, what the provider answers, and what the provider must have
heard. They are written in the words of `neutral.py`, which know no provider. A *dialect* is the fake of one provider's
API, written from the vendor's reference and sharing no code with `server/`: it hears an HTTP request of that API as a
`Heard`, and tells a `Script` as an HTTP answer of that API. `fake.py` serves all dialects on one real socket, each
below a prefix of its own. `reading.py` is the client: it reads what came over gRPC back into a `Script`. `play.py`
carries a conversation through and asserts that

    what the client asked == what the provider heard        and        what the provider told == what the client got

Adding a dialect
----------------
1.  Write `dialects/NAME.py` with a class that extends `dialects.base.Dialect` and implements `hear`, `answer` and
    `stream`. Raise `NotTaken` for every field, header, path or value that the vendor would not take (`Reader` does most
    of it): a lenient fake finds nothing. A kind with its credentials elsewhere overrides `configuration`, one that
    fetches a token first answers that in `aside`, one that is set up in several ways has an `instance` for each.
2.  End the file with `DIALECTS = (MyDialect(kind="mine"), ...)`, one for each kind of `PROVIDERS` that speaks it, and
    add the module to `dialects/__init__.py`.
3.  What the API has no words for at all, say once: `tells` reduces a script to what an answer can hold (a host that
    shows no reasoning), `conveys` a heard request to what a request can hold (tool results without the tool's name).
4.  Where a single exchange goes otherwise, say so in `otherwise`, by the exchange's name: refused, with code, reason
    and field; adjusted, with the fields, of which a strict caller is refused the first; or emulated, in words. Only
    with one of these may a provider hear something else than the table says: nothing is lost in silence.

`told` of an `Otherwise` may also add to an answer what only this API says, such as the sources of a text it cites.

`models` names another model for an exchange, where the vendor's models differ. Run one kind with
`pytest tests/conversations -k anthropic`, one conversation with `-k "groq and logprobs"`.
"""

import pytest

# What is asserted there is told in full, as in a test.
pytest.register_assert_rewrite("tests.conversations.play", "tests.conversations.reading")
