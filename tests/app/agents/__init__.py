import pytest

pytest.register_assert_rewrite("tests.app.agents.framework_contract")
