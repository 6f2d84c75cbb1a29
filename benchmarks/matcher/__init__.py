"""Throughput, latency, recall and size of the gallery's search, against FAISS itself and other servers."""
