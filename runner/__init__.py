"""What a Job's pod does near the data, and validations that are done there; loads are ordered by the plugin.

``python -m runner load objects|data|finish`` and ``python -m runner validate`` are the pod's own commands:
all they have to know stands in their environment, and what came of it goes into the termination message.
"""
