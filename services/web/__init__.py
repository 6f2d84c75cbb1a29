"""The web console: pages for operators and investigators, over gRPC and the live sockets. Decides nothing."""
