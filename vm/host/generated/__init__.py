"""The wire protocol's generated code: `make proto` makes it from proto/vm.proto."""
