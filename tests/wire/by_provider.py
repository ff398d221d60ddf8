"""An API of one name that each provider has in a form of its own."""

from collections.abc import Mapping

from tests.wire.bench import Api, Bench, Outcome
from tests.wire.hub import Instance
from tests.wire.recording import Recording


class ByProvider:
    """The module of such an API: each exchange goes to its provider's, those of others are not served yet."""

    def __init__(self, modules: Mapping[str, Api]) -> None:
        self._modules = modules

    def serves(self, recording: Recording) -> bool:
        """See Api.serves."""
        module = self._modules.get(recording.provider)
        return module is not None and module.serves(recording)

    def kind(self, recording: Recording) -> str:
        """See Api.kind."""
        return self._modules[recording.provider].kind(recording)

    def instance(self, recording: Recording, name: str, root: str) -> Instance:
        """See Api.instance."""
        return self._modules[recording.provider].instance(recording, name, root)

    async def replay(self, bench: Bench, name: str, recording: Recording) -> Outcome:
        """See Api.replay."""
        return await self._modules[recording.provider].replay(bench, name, recording)
