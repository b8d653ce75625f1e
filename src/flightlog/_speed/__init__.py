"""The compiled core: bytes and objects in C, never a policy, and nothing that plain Python cannot do as well.

It is optional. `presence.py` says whether it is there and why not; whoever can use it asks there and keeps its way
in plain Python, which is the reference: the same input gives the same output, byte for byte.
"""
