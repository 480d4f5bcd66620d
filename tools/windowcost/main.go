// Command windowcost prints what the window costs a run that trains on the
// processor, from a folder that tools/windowcost.sh has filled: CPU profiles of
// sessions, and a file "sessions" with a line of key=value words for each.
//
//	kind=train|start|headless   or a tab of the window while it trains
//	profile=FILE  cpu=SECONDS  mesa=SECONDS  xserver=SECONDS  others=SECONDS
//	seconds=SECONDS  tokens=N  idle=PER_CENT
//
// The CPU time of the process is counted by the system. The profile divides the
// part of it that Go's threads took; the threads of Mesa are not Go's, so the
// profile does not see them. What opening and closing the window takes, known
// from a session without training, is taken off.
//
// usage: windowcost FOLDER
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: windowcost FOLDER")
		os.Exit(2)
	}
	all, err := readSessions(os.Args[1])
	if err == nil {
		err = report(os.Stdout, all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "windowcost:", err)
		os.Exit(1)
	}
}

// session is one run of the app.
type session struct {
	kind    string
	cpu     float64 // seconds of the process; while it trains, for a window
	mesa    float64 // of these, by Mesa's threads
	xserver float64 // seconds of the X server in that time
	others  float64 // seconds of all other processes in that time
	seconds float64 // from the start of training to its end
	tokens  float64 // trained on
	idle    float64 // per cent of a core while nothing happens
	samples profile
}

// Kinds of sessions that are no tab of the window.
const (
	kindStart    = "start"    // opened and closed
	kindHeadless = "headless" // evenkeel train
)

func readSessions(dir string) ([]*session, error) {
	text, err := os.ReadFile(filepath.Join(dir, "sessions"))
	if err != nil {
		return nil, err
	}
	var all []*session
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		s, file, err := parseSession(line)
		if err != nil {
			return nil, err
		}
		if s.samples, err = readProfile(filepath.Join(dir, file)); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func parseSession(line string) (s *session, profile string, err error) {
	s = &session{}
	numbers := map[string]*float64{"cpu": &s.cpu, "mesa": &s.mesa, "xserver": &s.xserver, "others": &s.others,
		"seconds": &s.seconds, "tokens": &s.tokens, "idle": &s.idle}
	for _, word := range strings.Fields(line) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "kind":
			s.kind = value
		case "profile":
			profile = value
		default:
			to := numbers[key]
			if to == nil {
				return nil, "", fmt.Errorf("a session has the unknown word %q: %s", word, line)
			}
			if *to, err = strconv.ParseFloat(value, 64); err != nil {
				return nil, "", fmt.Errorf("%s is no number in the session: %s", word, line)
			}
		}
	}
	if s.kind == "" || profile == "" {
		return nil, "", fmt.Errorf("a session lacks its kind or its profile: %s", line)
	}
	return s, profile, nil
}

// readProfile lets Go's own reader print every stack of a CPU profile.
func readProfile(path string) (profile, error) {
	cmd := exec.Command("go", "tool", "pprof", "-traces", "-unit=ms", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p, err := parseTraces(out)
	if werr := cmd.Wait(); werr != nil {
		return nil, fmt.Errorf("go tool pprof cannot read %s: %w", path, werr)
	}
	if err == nil && len(p) == 0 {
		err = fmt.Errorf("the profile %s holds no samples", path)
	}
	return p, err
}

// profile is how many milliseconds were sampled in each part.
type profile map[part]float64

// parseTraces reads what pprof -traces prints: stacks between rules, the innermost function first and
// behind it the time.
func parseTraces(r io.Reader) (profile, error) {
	p := profile{}
	var stack []string
	ms, inside := 0.0, false
	flush := func() {
		if len(stack) > 0 {
			p[partOf(stack)] += ms
		}
		stack, ms = nil, 0
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "-----------+") {
			flush()
			inside = true
			continue
		}
		if !inside || line == "" {
			continue
		}
		line = strings.TrimSuffix(line, " (inline)")
		if len(stack) == 0 {
			value, function, _ := strings.Cut(line, " ")
			v, err := strconv.ParseFloat(strings.TrimSuffix(value, "ms"), 64)
			if err != nil {
				return nil, fmt.Errorf("pprof printed %q where a time in ms was expected", line)
			}
			ms, line = v, strings.TrimSpace(function)
		}
		stack = append(stack, line)
	}
	flush()
	return p, lines.Err()
}
