"""Helpers of the report stage; nothing else imports them."""
