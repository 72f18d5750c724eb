package trainer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Main is [Serve] as a program: it reads --server, --network and --name, ends at SIGTERM and SIGINT, and exits with 0 where it was asked to end,
// 1 where it failed, and 2 of wrong usage.
func Main(fineTune FineTune, predict Predict, options ...Option) {
	os.Exit(run(os.Args[1:], fineTune, predict, options))
}

func run(args []string, fineTune FineTune, predict Predict, options []Option) int {
	flags := flag.NewFlagSet(os.Args[0], flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), `Usage: %s [options]

Serves the runs of a ratatouille system. RATATOUILLE_TOKEN and RATATOUILLE_CA (PEM) say how to connect, RATATOUILLE_CACHE_DIR where inputs
are kept.

`, os.Args[0])
		flags.PrintDefaults()
	}
	server := flags.String("server", "", "address of the system, host:port (RATATOUILLE_SERVER)")
	networks := flags.String("network", "", "networks that it trains, separated by commas")
	name := flags.String("name", "", "its name for people (RATATOUILLE_TRAINER_NAME)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s is no option; --help lists them\n", flags.Arg(0))
		return 2
	}
	if *server != "" {
		options = append(options, Server(*server))
	}
	if *networks != "" {
		options = append(options, Networks(strings.Split(*networks, ",")...))
	}
	if *name != "" {
		options = append(options, Name(*name))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := Serve(ctx, fineTune, predict, options...)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.As(err, &usageError{}) {
		return 2
	}
	return 1
}
