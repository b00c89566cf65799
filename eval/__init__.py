"""Question set, metrics, runner, report."""
