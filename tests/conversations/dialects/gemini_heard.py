"""What Google's generateContent understands of a request."""

import base64
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import (
    KEY,
    Dialect,
    NotTaken,
    Reader,
    Request,
)
from tests.conversations.neutral import (
    Document,
    Heard,
    Image,
    Reasoning,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)

_MODES = {"AUTO": "auto", "NONE": "none", "ANY": "required"}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+=*")


@dataclass(frozen=True)
class HearsGemini(Dialect):
    """The Gemini API, with a model of the third generation."""

    model: str = "gemini-3-flash-preview"
    path: str = "/v1beta/models/{model}:"
    names_documents: bool = False
    types_files: bool = False
    """A file by its address needs a media type."""

    @override
    def hear(self, request: Request) -> Heard:
        self.check_key(request)
        model, stream = self._addressed(request)
        body = Reader(request.json)
        system = self._system(body.take("systemInstruction", dict))
        heard = Heard(model=model, stream=stream, system=system, turns=self._turns(body.need("contents", list)))
        heard = self._tools(heard, body)
        if (config := body.take("generationConfig", dict)) is not None:
            heard = self._config(heard, Reader(config, "generationConfig"))
        body.end()
        return heard

    def check_key(self, request: Request) -> None:
        """https://ai.google.dev/gemini-api/docs/api-key; in the address it would end up in logs."""
        if request.headers.get("x-goog-api-key") != KEY or "key" in request.query:
            raise NotTaken("no key in x-goog-api-key")

    def _addressed(self, request: Request) -> tuple[str, bool]:
        head, tail = self.path.split("{model}")
        found = re.fullmatch(
            re.escape(head) + "([^/:]+)" + re.escape(tail) + "(generate|streamGenerate)Content", request.path
        )
        if request.method != "POST" or not found:
            raise NotTaken(f"there is no {request.method} {request.path}")
        stream = found[2] == "streamGenerate"
        if dict(request.query) != ({"alt": "sse"} if stream else {}):
            raise NotTaken(f"the query is {dict(request.query)}")
        return found[1], stream

    def _system(self, told: Any) -> tuple[str, ...]:
        if told is None:
            return ()
        content = Reader(told, "systemInstruction")
        texts = []
        for part in content.need("parts", list):
            reader = Reader(part, "systemInstruction.parts")
            texts.append(reader.need("text", str))
            reader.end()
        content.end()
        return tuple(texts)

    def _turns(self, contents: list[Any]) -> tuple[Turn, ...]:
        turns: list[Turn] = []
        for place, told in enumerate(contents):
            content = Reader(told, f"contents[{place}]")
            content_role = content.need("role", str)
            if content_role not in ("user", "model") or (not turns and content_role != "user"):
                raise NotTaken(f"contents[{place}].role is {content_role!r}")
            turn = Turn("user" if content_role == "user" else "assistant")
            parts = content.need("parts", list)
            if not parts:
                raise NotTaken(f"contents[{place}] has no parts")
            for part in parts:
                turn = self._part(Reader(part, f"contents[{place}].parts"), turn)
            content.end()
            self._check_order(turns, turn, place)
            turns.append(turn)
        return tuple(turns)

    def _check_order(self, turns: list[Turn], turn: Turn, place: int) -> None:
        """https://ai.google.dev/gemini-api/docs/function-calling: results of all calls, right after them."""
        calls = turns[-1].calls if turns else ()
        if [call.name for call in calls] != [result.name for result in turn.results]:
            raise NotTaken(f"contents[{place}]: as many responses as calls, in the turn after them")
        if any(result.call_id not in ("", call.id) for call, result in zip(calls, turn.results, strict=True)):
            raise NotTaken(f"contents[{place}]: a response to another call")
        if turn.calls and not turn.calls[0].signature:
            raise NotTaken("Function call is missing a thought_signature in functionCall parts.")

    def _part(self, part: Reader, turn: Turn) -> Turn:
        proof = part.take("thoughtSignature", str, "")
        if proof and not _BASE64.fullmatch(proof):
            raise NotTaken(f"Base64 decoding failed for {proof!r}")
        thought: bool = part.take("thought", bool, False)
        if (text := part.take("text", str)) is not None:
            turn = self._text(text, proof, turn, thought=thought)
        elif (told := part.take("inlineData", dict)) is not None:
            turn = self._inline(Reader(told, "inlineData"), turn)
        elif (told := part.take("fileData", dict)) is not None:
            turn = self._file(Reader(told, "fileData"), turn)
        elif (told := part.take("functionCall", dict)) is not None:
            turn = replace(turn, calls=(*turn.calls, self._call(Reader(told, "functionCall"), proof)))
        elif (told := part.take("functionResponse", dict)) is not None:
            result = self._result(Reader(told, "functionResponse"))
            turn = replace(turn, role="tool", results=(*turn.results, result))
        else:
            raise NotTaken("a part without data")
        part.end()
        return turn

    def _text(self, text: str, proof: str, turn: Turn, *, thought: bool) -> Turn:
        if thought:
            return replace(turn, thoughts=(*turn.thoughts, Thought(text, proof)))
        if not text and turn.role == "user":
            raise NotTaken("Unable to submit request because it must have a text parameter")
        return replace(turn, texts=(*turn.texts, text)) if text else turn

    def _inline(self, blob: Reader, turn: Turn) -> Turn:
        kind, data = blob.need("mimeType", str), base64.b64decode(blob.need("data", str), validate=True)
        name = blob.take("displayName", str, "") if self.names_documents else ""
        blob.end()
        if kind.startswith("image/"):
            return replace(turn, images=(*turn.images, Image(data, kind)))
        return replace(turn, documents=(*turn.documents, Document(data, kind, name)))

    def _file(self, file: Reader, turn: Turn) -> Turn:
        kind, uri = file.take("mimeType", str, ""), file.need("fileUri", str)
        file.end()
        if (kind or self.types_files) and not kind.startswith("image/"):
            raise NotTaken(f"fileData.mimeType is {kind!r}")
        return replace(turn, images=(*turn.images, Image(url=uri)))

    def _call(self, call: Reader, proof: str) -> ToolCall:
        found = ToolCall(call.take("id", str, ""), call.need("name", str), call.take("args", dict, {}), proof)
        call.end()
        return found

    def _result(self, told: Reader) -> ToolResult:
        call_id, name, response = told.take("id", str, ""), told.need("name", str), told.need("response", dict)
        told.end()
        if set(response) == {"error"}:
            return ToolResult(call_id, response["error"], error=True, name=name)
        text = response["output"] if set(response) == {"output"} else json.dumps(response)
        return ToolResult(call_id, text, name=name)

    def _tools(self, heard: Heard, body: Reader) -> Heard:
        tools: list[Tool] = []
        for told in body.take("tools", list, []):
            reader = Reader(told, "tools")
            tools += [self._function(Reader(one, "tools")) for one in reader.need("functionDeclarations", list)]
            reader.end()
        choice = ""
        if (told := body.take("toolConfig", dict)) is not None:
            outer = Reader(told, "toolConfig")
            choice = self._choice(Reader(outer.need("functionCallingConfig", dict), "functionCallingConfig"))
            outer.end()
        return replace(heard, tools=tuple(tools), tool_choice=choice)

    def _function(self, function: Reader) -> Tool:
        tool = Tool(
            function.need("name", str),
            function.take("description", str, ""),
            function.take("parametersJsonSchema", dict),
        )
        function.end()
        return tool

    def _choice(self, config: Reader) -> str:
        mode, names = config.need("mode", str), config.take("allowedFunctionNames", list)
        config.end()
        if mode not in _MODES or (names is not None and mode != "ANY"):
            raise NotTaken(f"mode is {mode}, allowedFunctionNames {names}")
        return _MODES[mode] if names is None else f"function:{','.join(names)}"

    def _config(self, heard: Heard, config: Reader) -> Heard:
        heard = replace(
            heard,
            max_tokens=config.take("maxOutputTokens", int),
            stop=tuple(config.take("stopSequences", list, [])),
            n=config.take("candidateCount", int),
        )
        wanted, alternatives = config.take("responseLogprobs", bool, False), config.take("logprobs", int, 0)
        if alternatives and not wanted:
            raise NotTaken("logprobs without responseLogprobs")
        kind, schema = config.take("responseMimeType", str, ""), config.take("responseJsonSchema", dict)
        if schema is not None and kind != "application/json":
            raise NotTaken("a schema is for application/json")
        thinking = config.take("thinkingConfig", dict)
        config.end()
        return replace(
            heard,
            logprobs=alternatives if wanted else None,
            json_only=kind == "application/json",
            schema=schema,
            reasoning=None if thinking is None else self._thinking(Reader(thinking, "thinkingConfig")),
        )

    def _thinking(self, told: Reader) -> Reasoning:
        level, budget = told.take("thinkingLevel", str, ""), told.take("thinkingBudget", int)
        text = told.take("includeThoughts", bool)
        told.end()
        if (level and budget is not None) or level not in ("", "minimal", "low", "medium", "high"):
            raise NotTaken(f"thinkingLevel is {level!r}, thinkingBudget {budget}")
        return Reasoning(effort=level, budget=budget, text=text)
