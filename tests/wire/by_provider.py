"""An API of one name that each provider has in a form of its own."""

from collections.abc import Mapping

from tests.wire.bench import Api, Bench, Outcome
from tests.wire.hub import Instance
from tests.wire.recording import Recording


class ByProvider:
    """The module of such an API: each exchange goes to its provider's, or to ``others`` where there is one."""

    def __init__(self, modules: Mapping[str, Api], others: Api | None = None) -> None:
        self._modules = modules
        self._others = others

    def _of(self, recording: Recording) -> Api:
        module = self._modules.get(recording.provider, self._others)
        assert module is not None, f"nobody serves {recording.id}"
        return module

    def serves(self, recording: Recording) -> bool:
        """See Api.serves."""
        module = self._modules.get(recording.provider, self._others)
        return module is not None and module.serves(recording)

    def kind(self, recording: Recording) -> str:
        """See Api.kind."""
        return self._of(recording).kind(recording)

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """See Api.instance."""
        return self._of(recording).instance(recording, name, root)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """See Api.replay."""
        return await self._of(recording).replay(bench, name, recording)
