"""A packed table answers as the dict that it was made of."""

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.engines.hibari.packed_table import PackedTable

values = st.one_of(
    st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.integers(-(2**63), 2**63 - 1))
)


@given(table=st.dictionaries(st.text(max_size=6), values), key=st.text(max_size=6))
def test_it_answers_as_the_dict(table: dict[str, object], key: str) -> None:
    packed = PackedTable.pack(table)
    assert packed.get(key) == table.get(key)
    assert all(packed.get(each) == value for each, value in table.items())
    assert packed.get("\ud800") is None
