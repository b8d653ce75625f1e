"""LangChain and LangGraph, seen from outside: each of their runs is a span, and a graph's nodes are its steps."""
