// Later runs a command with the address of a server of a later version in the place of that of a real one: every message has more than the
// stubs of today know. For the tests of clients in other languages.
//
//	later ADDRESS COMMAND ARGUMENT…   "{server}" in an argument is replaced
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"ratatouille/internal/testsystem"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "later ADDRESS COMMAND ARGUMENT…")
		os.Exit(2)
	}
	address, stop, err := testsystem.ServeLater(os.Args[1], testsystem.LaterState())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer stop()
	arguments := make([]string, 0, len(os.Args))
	for _, argument := range os.Args[3:] {
		arguments = append(arguments, strings.ReplaceAll(argument, "{server}", address))
	}
	command := exec.Command(os.Args[2], arguments...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	var ended *exec.ExitError
	if err := command.Run(); errors.As(err, &ended) {
		os.Exit(ended.ExitCode())
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
