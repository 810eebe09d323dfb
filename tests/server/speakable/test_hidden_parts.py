"""Hidden parts: what the model families write that is not for the caller is never spoken."""
# ruff: noqa: E501 (wide characters)

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.speakable.cuts import cut
from voicelive_agent.server.speakable import SpeakableText, speakable

CALL = '{"name": "get_weather", "arguments": {"city": "Oslo"}}'

# Of each family's template, with an answer of which only "Hello" is for the caller.
FAMILIES = {
    "qwen": "<|im_start|>assistant\n<think>\nThey secretly greet.\n</think>\n\nHello<|im_end|>",
    "qwen tool": f"Hello<tool_call>\n{CALL}\n</tool_call><|im_end|>",
    "qwen coder": "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n"
    "</function>\n</tool_call>Hello",
    "hermes": "<scratch_pad>secret</scratch_pad><tool_response>\n{}\n</tool_response>Hello",
    "deepseek r1": "<think>\nsecret\n</think>\nHello<｜end▁of▁sentence｜>",
    "deepseek v3": "Hello<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n"
    '```json\n{"city": "Oslo"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "deepseek v3.1": "<｜Assistant｜></think>Hello<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather"
    '<｜tool▁sep｜>{"city": "Oslo"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "deepseek v3.2": '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter '
    'name="city" string="true">Oslo</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>'
    "Hello",
    "llama 2": "<<SYS>>\nBe secret.\n<</SYS>>[INST] Hi [/INST] Hello</s>",
    "llama 3": "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>",
    "llama 3 builtin": 'Hello<|python_tag|>brave_search.call(query="Oslo")<|eom_id|>',
    "llama 3 python tag": f"Hello<|python_tag|>{CALL}<|eom_id|>",
    "llama 3 json": f"{CALL.replace('arguments', 'parameters')}; {CALL}Hello",
    "llama 3 tag": '<function=get_weather>{"city": "Oslo"}</function>Hello',
    "llama 4": '[get_weather(city="Oslo"), get_time(city="Oslo")]\nHello',
    "mistral": f"Hello[TOOL_CALLS][{CALL}]</s>",
    "mistral 3": 'Hello[TOOL_CALLS]get_weather[CALL_ID]a1B2c3D4e[ARGS]{"city": "Oslo"}</s>',
    "mistral results": "[TOOL_CALLS][{}]</s>[TOOL_RESULTS]{}[/TOOL_RESULTS]Hello</s>",
    "magistral": "[THINK]secret[/THINK]Hello",
    "gemma": "<start_of_turn>model\nHello<end_of_turn>",
    "gemma tool": "```tool_code\nprint(get_weather(city='Oslo'))\n```\nHello",
    "gemma 4": "<|channel>thought\nsecret\n<channel|>Hello<|tool_call>call:get_weather"
    '{city:<|"|>Oslo<|"|>}<tool_call|><turn|>',
    "gpt-oss": "<|channel|>analysis<|message|>secret plan<|end|><|start|>assistant<|channel|>final"
    "<|message|>Hello<|return|>",
    "gpt-oss tool": "<|channel|>commentary<|message|>Hello<|end|><|start|>assistant<|channel|>"
    'commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo"}<|call|>',
    "gpt-oss role": "<|start|>assistant to=functions.get_weather<|channel|>commentary<|message|>{}"
    "<|call|><|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>secret"
    "<|end|><|start|>assistant<|channel|>final<|message|>Hello",
    "gpt-oss without tokens": "analysisThey greet.assistantcommentary to=functions.get json{}"
    "assistantfinalHello",
    "kimi": "◁think▷secret◁/think▷Hello<|im_end|>",
    "kimi k2": "<|im_assistant|>assistant<|im_middle|>Hello<|tool_calls_section_begin|>"
    "<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
    '{"city": "Oslo"}<|tool_call_end|><|tool_calls_section_end|><|im_end|>',
    "glm": "<|assistant|>\n<think>secret</think>\nHello\n<tool_call>get_weather\n"
    "<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n</tool_call><|observation|>\nsecret",
    "command": "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_THINKING|>secret<|END_THINKING|>"
    '<|START_ACTION|>[{"tool_call_id": "0"}]<|END_ACTION|><|START_RESPONSE|>Hello'
    "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
    "command cited": "<|START_TEXT|><co: 0:[1]>Hello</co: 0:[1]><|END_TEXT|>",
    "phi 4": "<|im_start|>assistant<|im_sep|>Hello<|im_end|>",
    "phi 4 mini": f"<|assistant|>Hello<|tool_call|>[{CALL}]<|/tool_call|><|end|><|user|>secret",
    "granite": "<|start_of_role|>assistant<|end_of_role|><think>secret</think>"
    f"<response>Hello</response><|tool_call|>[{CALL}]<|end_of_text|>",
    "minimax": '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Oslo'
    "</parameter>\n</invoke>\n</minimax:tool_call>Hello",
    "seed": "<seed:bos>assistant\n<seed:think>secret<seed:cot_budget_reflect>I have used 12"
    "</seed:cot_budget_reflect>secret</seed:think>Hello<seed:tool_call><function=get></function>"
    "</seed:tool_call><seed:eos>",
    "nemotron": f"<think>secret</think>Hello<TOOLCALL>[{CALL}]</TOOLCALL>",
    "exaone": "[|assistant|]<thought>secret</thought>Hello[|endofturn|]",
    "ling": "<role>ASSISTANT</role><think>secret</think>Hello<|role_end|>",
    "apertus": "<|assistant_start|><|inner_prefix|>secret<|tools_prefix|>[]<|tools_suffix|>"
    "<|inner_suffix|>Hello<|assistant_end|>",
    "longcat": f"<longcat_think>secret</longcat_think>Hello<longcat_tool_call>{CALL}"
    "</longcat_tool_call>",
    "lfm": "<|tool_call_start|>[get_weather(city='Oslo')]<|tool_call_end|>Hello",
    "open thinker": "<|begin_of_thought|>secret<|end_of_thought|><|begin_of_solution|>Hello"
    "<|end_of_solution|>",
    "internlm": "Hello<|action_start|><|plugin|>\n{}<|action_end|>",
    "phi 4 mini functools": f"functools[{CALL}]\nHello",
    "words before a list": f"Hello\ntool_calls[{CALL}]",
    "escaped": f"&lt;think&gt;secret&lt;/think&gt;Hello&lt;tool_call&gt;{CALL}&lt;/tool_call&gt;",
    "fullwidth": "＜think＞secret＜／think＞Hello",
    "header and words on a line": "<|im_start|>assistant: Hello<|im_end|>",
    "react": "Thought: secret\nAction: get_weather\nAction Input: {}\nObservation: secret\n"
    "Thought: I now know it\nFinal Answer: Hello",
    "react without a thought": "Action: get\nAction Input: {}\nObservation: x\nFinal Answer: Hello",
    "react without a tool": "Thought: I can answer without a tool.\nAnswer: Hello",
    "react of a chat": "Thought: Do I need to use a tool? No\nAI: Hello",
    "gpt-oss without tokens, a call": "Helloassistantcommentary to=functions.get json{}",
    "gpt-oss without tokens, a call first": 'commentary to=functions.get json{"city":"Oslo"}'
    "assistantanalysissecretassistantfinal**Hello**",
    "gpt-oss without tokens, by lines": "analysis\nsecret\nassistantfinal\nHello",
    "gpt-oss without tokens, a recipient": 'to=functions.get {"city":"Oslo"}assistantfinalHello',
    "gpt-oss without tokens, a preamble": "commentaryHello assistantcommentary to=functions.get {}",
    "phi 4 mini functools in a line": f"Hello functools[{CALL}]",
    "words before a list in a line": f"Hello tool_calls[{CALL}]",
    "qwen agent": "✿FUNCTION✿: get\n✿ARGS✿: {}\n✿RESULT✿: secret\n✿RETURN✿: Hello",
    "granite 3.2": "Here is my thought process: secret. Here is my response: Hello",
    "granite cited": "Hello<|start_of_cite|> {document_id: 1} <|end_of_cite|>",
    "command r": "Plan: secret\nAction: ```json\n[{}]\n```\nAnswer: Hello",
    "command r grounded": "Relevant Documents: 0\nCited Documents: 0\nAnswer: secret\n"
    "Grounded answer: <co: 0>Hello</co: 0>",
    "tags in pairs": '<<function>>{"name": "get"}<</function>>Hello',
    "fence of a thought": "```thinking\nsecret\n```\nHello",
    "fence around a call": f"```xml\n<tool_call>{CALL}</tool_call>\n```\nHello",
    "call of an old server": '{"function_call": {"name": "get", "arguments": "{}"}}Hello',
    "call of parallel tools": '{"tool_uses": [{"recipient_name": "f", "parameters": {}}]}Hello',
    "call without arguments": '{"tool": "get_weather", "city": "Oslo"}Hello',
    "call as of python": "{'name': 'get_weather', 'arguments': {'city': 'Oslo'}}Hello",
    "bare list": f"[{CALL}, {CALL}]\nHello",
}
TAGS = ["think", "thinking", "thought", "reasoning", "reflection", "scratchpad", "analysis"]
SPELLINGS = [
    "<{0}>secret</{0}>Hello",
    "<{0}>secret</{0} >Hello",
    "< {0} >secret< / {0} >Hello",
    "<{0}\n>secret</{0}\n>Hello",
    "<{0} type='deep' depth=\"2\">secret</{0}>Hello",
    "<{0}>\n<{0}>\nsecret\n</{0}>\nHello",
    "<{0}>a<{0}>secret</{0}>secret</{0}>Hello",
    "<{0}>secret <b>bold</b> a < b `</{0}>` secret</{0}>Hello",
    "<{0}/>Hello",
    "<{0} />Hello",
    "</{0}>Hello",
    "Hello<{0}>secret",
    "<|{0}|>secret<|/{0}|>Hello",
    "<|begin_of_{0}|>secret<|end_of_{0}|>Hello",
    "<my:{0}>secret</my:{0}>Hello",
    "Hello <{0}>secret<tool_call>{{}}</tool_call>secret",
]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_family_writes_beside_its_answer_is_not_spoken(family: str) -> None:
    text = FAMILIES[family]
    assert speakable(text).strip() == "Hello"

    stream = SpeakableText()
    assert ("".join(map(stream.feed, text)) + stream.finish()).strip() == "Hello"


@pytest.mark.parametrize("tag", [case(tag) for tag in TAGS for case in (str, str.upper, str.title)])
def test_thoughts_are_known_however_their_tag_is_spelled(tag: str) -> None:
    """Tags but <think> were dropped and their thought spoken; <think/> hid the answer."""
    for spelling in SPELLINGS:
        assert speakable(spelling.format(tag)).strip() == "Hello", spelling


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (
            "I should check the weather</think>It is warm.",
            "I should check the weather. It is warm.",
        ),
        ("Let me check<tool_call>{}</tool_call>It is warm.", "Let me check. It is warm."),
        ("Well,<think>hm</think> it is warm.", "Well, it is warm."),
        ("<tool_response>{}</tool_response>It is 7 degrees.", "It is 7 degrees."),
        (f"<tool_call>{CALL}}}\n\nIt is 7 degrees.", "It is 7 degrees."),
        ("The `<think>` tag and “<|im_end|>”.", "The think tag and “im_end”."),
        ("soft<unk>ware", "soft ware"),
        ("<|im_start|>assistant Hello there", "Hello there"),
        ("The &lt;b&gt; tag and '&lt;think&gt;', R&D", "The <b> tag and 'think', R&D"),
        ("Thought: a word.\nAction!", "Thought: a word.\nAction!"),
        ("Action: press it.\nThen wait.", "Action: press it.\nThen wait."),
        ("Hours\nThought: one.\nAction: two.", "Hours\nThought: one.\nAction: two."),
        ("functools is a module, ＜重要＞", "functools is a module, ＜重要＞"),
        ("The final assistant", "The final assistant"),
        ("See functools[0], tool_calls[i]", "See functools[0], tool_calls[i]"),
        ("Plan: swim.\nAction!", "Plan: swim.\nAction!"),
        ("Here is my thought on it: no.", "Here is my thought on it: no."),
        ("final call, to=5, ✿ flower", "final call, to=5, flower"),
        ("Analysis\u00a0of an assistant's", "Analysis\u00a0of an assistant's"),
        ("<|endoftext|># Hours\nFrom ten", "Hours.\nFrom ten"),
    ],
)
def test_words_around_what_is_hidden_stay_apart(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d, then I <3 it",
        "x <- y, a <= b, <10 or >20; f <| g |> h",
        '{"a": 1} and {b} and [c](d) is no call'.replace("[c](d)", "c(d)"),
        "analysis of the thinking, [thought], [action], [sic] and (tool calls)",
        "I think <hm> therefore",
        'She has {"name": "Bob", "age": 3} on file.',
    ],
)
def test_prose_that_only_looks_like_a_mark_keeps_its_letters(text: str) -> None:
    assert speakable(text) == text.replace("<hm> ", "")


def test_a_text_may_start_in_a_thought() -> None:
    for opening in ("", "<think>", "<think>\n"):
        text = f"{opening}They greet.</think>\n\nHello"
        assert speakable(text, starts_in_thought=True) == "Hello"
    assert speakable("They greet.", starts_in_thought=True) == ""


def test_a_thought_that_never_ends_is_told_to_the_developer() -> None:
    def advise(text: str) -> str:
        stream = SpeakableText()
        stream.feed(text)
        stream.finish()
        return stream.advice

    assert "length limit" in advise("<think>They")
    assert "VOICELIVE_STARTS_IN_THOUGHT" in advise("They</think>Hello")
    assert advise("<think>They</think>Hello") == ""


marks = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<thinking>",
        "<|think|>",
        "</THINK",
        ">",
        "<think/>",
        "<tool_call>",
        "</tool_call>",
        "<|tool_call|>",
        "<function=f>",
        "</function>",
        "[TOOL_CALLS]",
        "[ARGS]",
        "[THINK]",
        "[/THINK]",
        "◁think▷",
        "◁/think▷",
        "<|im_start|>",
        "<|im_end|>",
        "<|start|>",
        "<|channel|>",
        "<|channel>",
        "<channel|>",
        "<|message|>",
        "<|end|>",
        "<|assistant|>",
        "<|user|>",
        "<｜tool▁calls▁begin｜>",
        "<｜tool▁calls▁end｜>",
        "<|python_tag|>",
        "<|START_RESPONSE|>",
        "</s>",
        "<s>",
        "analysis",
        "final",
        "&lt;think&gt;",
        "&lt;/",
        "&",
        "think&gt;",
        "＜/think＞",
        "＜",
        "Thought:",
        "Action:",
        "Action Input:",
        "Final Answer:",
        "functools",
        "assistant",
        "user",
        "model",
        "{",
        "}",
        "[",
        "]",
        '{"name":"f","arguments":{',
        '"\\',
        "`",
        "<",
        ">",
        "|",
        "/",
        "word",
        "Oslo.",
        "<<SYS>>",
        "assistantfinal",
        "assistantcommentary",
        " to=functions.f",
        "✿FUNCTION✿",
        "✿RETURN✿:",
        "Here is my thought process:",
        "Here is my response:",
        "Plan:",
        "<|start_of_cite|>",
        "```",
        "**",
        "#",
        "-",
        "12",
        "(",
        ")",
        "f(",
        "a=",
        "=",
    ]
)
texts = st.lists(marks | st.sampled_from([" ", "\n", "\n\n"]), max_size=30).map("".join)


@given(texts, st.lists(st.integers(0, 300), max_size=10), st.booleans())
@example('{"name":"f","arguments":{' + "a" * 300, [40, 255, 256], False)
@example("Thought: " + "a" * 300 + "\nAction: b\nFinal Answer: c", [5, 255, 256, 320], False)
@example("<think " + "a" * 300 + ">b", [250, 256, 257], False)
def test_how_a_text_is_cut_changes_nothing(text: str, places: list[int], starts: bool) -> None:
    stream = SpeakableText(starts_in_thought=starts)
    said = [stream.feed(delta) for delta in cut(text, places)]
    assert "".join(said) + stream.finish() == speakable(text, starts_in_thought=starts)


@given(st.sampled_from(list(FAMILIES.values())), st.lists(st.integers(0, 400), max_size=12))
def test_a_family_is_known_however_it_is_cut(text: str, places: list[int]) -> None:
    stream = SpeakableText()
    said = "".join(stream.feed(delta) for delta in cut(text, places)) + stream.finish()
    assert said.strip() == "Hello"
