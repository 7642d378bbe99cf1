"""The service between machines, generated from vm.proto by `make proto`."""
