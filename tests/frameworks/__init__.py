import pytest

pytest.register_assert_rewrite("tests.frameworks.framework_contract")
