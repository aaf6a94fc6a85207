"""What a partner gets, made from the contract: delivery instructions and a template before it
sends, a check at its own desk, and a receipt afterwards. In German, in words that an office uses.

Nothing here reads the sealed zone; `check.py` works on the partner's file and what the kit holds.
"""
