"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about the code, and two tests share each core.
settings.register_profile(
    "any-machine", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("night", settings.get_profile("any-machine"), max_examples=1000)
settings.load_profile("any-machine")
