package trainer

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"ratatouille"
	pb "ratatouille/v1"
)

// CheckpointFormat names what this package writes as a checkpoint.
const CheckpointFormat = "ratatouille-go/1"

// An Option says how to serve.
type Option func(*settings)

type settings struct {
	server, token, ca string
	trainer           *pb.Trainer
	engine            *pb.Engine
	format            string
	cache             string
	checkpointEvery   time.Duration // 0: by what they cost
	log               *slog.Logger
}

// Server is the address of the system, instead of RATATOUILLE_SERVER.
func Server(address string) Option { return func(s *settings) { s.server = address } }

// Networks are those that the code trains, by the names that run files use.
func Networks(names ...string) Option { return func(s *settings) { s.engine.Networks = names } }

// Engine is what run files call `backend`, "own" unless it is said, and its device, "cpu" or "gpu".
func Engine(name, device string) Option {
	return func(s *settings) { s.engine.Name, s.engine.Device, s.trainer.Device = name, device, device }
}

// Arithmetics decide the numbers, as recipes spell them: "~own/1" unless they are said.
func Arithmetics(names ...string) Option { return func(s *settings) { s.engine.Arithmetics = names } }

// MemoryMiB is what a job may need: what the machine has, unless it is said.
func MemoryMiB(memory uint32) Option { return func(s *settings) { s.trainer.MemoryMib = memory } }

// Name is that of the trainer for people, instead of RATATOUILLE_TRAINER_NAME.
func Name(name string) Option { return func(s *settings) { s.trainer.Name = name } }

// Checkpoints names what the code's states are, instead of [CheckpointFormat]: count a version up when they mean something else.
func Checkpoints(format string) Option { return func(s *settings) { s.format = format } }

// Logger gets what happens; lines of JSON on standard error unless it is said.
func Logger(log *slog.Logger) Option { return func(s *settings) { s.log = log } }

// settingsOf reads the environment, then the options.
func settingsOf(options []Option) (*settings, error) {
	s := &settings{
		server: os.Getenv("RATATOUILLE_SERVER"),
		token:  os.Getenv("RATATOUILLE_TOKEN"),
		ca:     os.Getenv("RATATOUILLE_CA"),
		cache:  os.Getenv("RATATOUILLE_CACHE_DIR"),
		format: CheckpointFormat,
		engine: &pb.Engine{Name: "own", Device: "cpu", Arithmetics: []string{"~own/1"}},
		log:    slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}
	host, _ := os.Hostname()
	s.trainer = &pb.Trainer{
		Id:        rand.Text(),
		Name:      firstOf(os.Getenv("RATATOUILLE_TRAINER_NAME"), host, "trainer"),
		Device:    "cpu",
		Engines:   []*pb.Engine{s.engine},
		Kinds:     []string{"train", "predict"},
		MemoryMib: memoryMiB(),
		Environment: map[string]string{
			"runtime": runtime.Version(), "os": runtime.GOOS + " " + runtime.GOARCH, "cores": strconv.Itoa(runtime.NumCPU()),
		},
	}
	if text := os.Getenv("RATATOUILLE_CHECKPOINT_MS"); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("RATATOUILLE_CHECKPOINT_MS is %q; expected milliseconds", text)
		}
		s.checkpointEvery = max(time.Duration(ms)*time.Millisecond, 1)
	}
	for _, option := range options {
		option(s)
	}
	if s.server == "" {
		return nil, fmt.Errorf("there is no server: give one by --server or RATATOUILLE_SERVER, for example 127.0.0.1:7437")
	}
	if len(s.engine.Networks) == 0 {
		return nil, fmt.Errorf("there is no network: say which the code trains, by trainer.Networks or --network")
	}
	return s, nil
}

// dial connects as the settings say.
func (s *settings) dial() (*ratatouille.Client, error) {
	var options []ratatouille.Option
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, fmt.Errorf("cannot read RATATOUILLE_CA: %w", err)
		}
		options = append(options, ratatouille.WithCA(pem))
	}
	if s.token != "" {
		options = append(options, ratatouille.WithToken(s.token))
	}
	return ratatouille.Dial(s.server, options...)
}

// memoryMiB is the memory of the machine, where it can be found out.
func memoryMiB() uint32 {
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemTotal:" {
			if kib, err := strconv.ParseUint(fields[1], 10, 42); err == nil {
				return uint32(kib >> 10)
			}
		}
	}
	return 4096
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
