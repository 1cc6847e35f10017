"""Measurements → decision: what each way costs, which of them is right here, and why."""
