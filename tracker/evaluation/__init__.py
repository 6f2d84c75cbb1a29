"""Judging association without pictures: truth tracklets, embeddings of stated quality, the live code, its baselines.

Never opens a recording and never decides anything itself: it plays what is given through ``tracker.multi_camera``.
"""
