"""What a file would do if it were loaded as code: names and verdicts, hidden pickles, programs, and what torch.load would answer."""

from __future__ import annotations

from ptinspect.checkpoint.safety.assessment import NamedGlobal, Safety, assess
from ptinspect.checkpoint.safety.records import look_into_records
from ptinspect.checkpoint.safety.verdicts import Verdict, verdict_of_name

__all__ = ["NamedGlobal", "Safety", "Verdict", "assess", "look_into_records", "verdict_of_name"]
