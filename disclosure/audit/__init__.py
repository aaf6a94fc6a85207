"""The auditor: it attacks a pattern as an outsider would, and lets nothing pass that falls.

It shares no code with the engine that makes patterns beyond the reading of a release. It takes
plain tables and gives plain results; it knows neither where they come from nor where they go.
"""

from disclosure.audit.case import Municipalities
from disclosure.audit.judge import ATTACKERS, audit_release
from disclosure.audit.report import Audit, Hit

__all__ = ["ATTACKERS", "Audit", "Hit", "Municipalities", "audit_release"]
