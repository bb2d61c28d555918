"""Train sparse networks the way the papers do, in runs that survive anything.

Importing this package imports no torch; its modules do.
"""
