package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chartview"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// Options is what the window needs from outside. Window, Dispatch and Start must be set.
type Options struct {
	Window   fyne.Window
	Dispatch func(func()) // runs a function on the UI goroutine, without waiting; fyne.Do in the app
	Start    Starter

	Config    *trainer.Config  // shown first; nil: trainer.DefaultConfig
	Devices   []Choice         // nil: auto, CPU and the reference
	ExportDir string           // for exports without a dialog; empty: Documents/Evenkeel
	Poll      time.Duration    // between looks at the job; 0: 100 ms
	Now       func() time.Time // for the log; nil: time.Now
	Version   string           // for About
	RunsDir   string           // folder of runs; empty: the user's
	StateDir  string           // folder for what the window showed last; empty: where the folder of runs is
	Open      Opener           // opens checkpoints to talk to; nil: on the CPU
	Memory    uint64           // bytes of this machine; 0: unknown, nothing is refused for its size
	Pace      Pacer            // how fast a device trains, for estimates; nil: known after the first run
	Steer     Steering         // how to go on with runs

	// Example writes runs into an empty folder, one folder each, for the first start to show; nil: there are
	// none.
	Example func(dir string) error
}

// Window is the main window.
type Window struct {
	opt Options
	win fyne.Window

	setup    *setup
	estimate *estimateView
	counter  *estimator
	variant  *variantPanel
	runs     *runList
	lib      library
	loss     *lossTab
	grad     *gradTab
	samples  *samplesTab
	talk     *talk
	compare  *compareTab
	raceTab  *raceTab
	log      *logTab
	tabs     *container.AppTabs
	status   *statusBar
	banner   *banner
	pill     *pill
	device   *themedText
	train    *widget.Button
	pause    *widget.Button
	stop     *widget.Button
	export   *widget.Button
	side     *fyne.Container // setup and runs
	frame    *fyne.Container // everything
	menu     *menu
	history  history    // of the form
	last     *lastState // what was shown at the end of the last session, until its runs are back
	prefs    settings

	state    State
	session  []*run      // in order of their start
	current  *run        // the one that is live, or was last
	selected *run        // the one the gradients, samples and log are of
	example  []*run      // shown at the first start, until a run of one's own begins
	race     *windowRace // the one that is shown, or nil
	racing   *raceDialog // opened last
	lack     string      // why the model does not fit this machine; empty when it does
	stopAsap bool        // stop was pressed before the trainer answered
	closing  bool
	gone     atomic.Bool // the window was closed: nothing may touch a widget any more
	behind   atomic.Bool // the window is not in front
	drawn    chartview.Group
	untold   *run          // its numbers wait for the charts that are drawn; nil: none do
	every    atomic.Int64  // nanoseconds between two updates from the job, at least
	waiting  *time.Timer   // says what a long pause or stop waits for
	patience time.Duration // until then

	awake       bool         // the machine is kept from sleeping
	exports     serial       // files that charts, points and reports go to
	saving      bool         // a checkpoint was asked for
	savedBefore int          // checkpoints there were then
	told        *time.Timer  // takes back that it was written
	asked       *question    // asked last
	annotating  *notesDialog // opened last

	help  *widget.PopUp     // the explanation that was opened last
	plain fyne.CanvasObject // the dialog opened last that has nothing to choose

	quitting fyne.CanvasObject // the question whether to quit, asked last

	clip   func() *pictureClipboard // nil: the system's
	reveal func(dir string) error   // nil: the system's file manager
}

// runsHeight is what the list of runs keeps in a low window, in units.
const runsHeight = 150

// DefaultSize is the size of the first start.
var DefaultSize = fyne.NewSize(1240, 760)

// New fills the window. Our theme is set first, so that nothing is built with another.
func New(o Options) *Window {
	if o.Poll == 0 {
		o.Poll = 100 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Devices == nil {
		o.Devices = []Choice{{"auto", "Auto"}, {"cpu", "CPU"}, {"reference", "Reference (slow)"}}
	}
	if o.ExportDir == "" {
		if home, err := os.UserHomeDir(); err == nil {
			o.ExportDir = filepath.Join(home, "Documents", "Evenkeel")
		}
	}
	if o.RunsDir == "" {
		o.RunsDir, _ = runs.DefaultRoot() // without a home there are none to list
	}
	if o.Open == nil {
		o.Open = openOnCPU
	}
	w := &Window{win: o.Window, patience: waitNotice, banner: newBanner(), status: newStatusBar(), pill: newPill()}
	queue := o.Dispatch
	o.Dispatch = func(f func()) {
		if w.gone.Load() {
			return // the driver ends, and closes its queue
		}
		queue(func() { // a driver that has ended runs f at once, on whatever goroutine asks
			if !w.gone.Load() {
				f()
			}
		})
	}
	w.opt = o
	w.appearance(w.savedAppearance())
	w.loadSettings()
	w.build(w.firstConfig())
	w.restoreLook()
	w.win.SetPadded(false)
	w.win.SetContent(w.layout())
	w.menu = newMenu(w)
	w.win.SetMainMenu(w.menu.main)
	w.win.SetCloseIntercept(w.Close)
	w.win.Canvas().SetOnTypedKey(w.typed)
	w.win.SetOnDropped(func(_ fyne.Position, uris []fyne.URI) { w.dropped(uris) })
	w.setState(Idle)
	w.restoreForm()
	w.formChanged()
	w.buildUndo()
	w.firstStart()
	w.scan()
	return w
}

// build makes the parts and ties them together.
func (w *Window) build(cfg trainer.Config) {
	w.estimate = newEstimateView()
	w.counter = &estimator{dispatch: w.opt.Dispatch, show: w.showCounts, measure: w.opt.Pace}
	w.setup = newSetup(cfg, w.opt.Devices)
	w.setup.changed, w.setup.pick, w.setup.help = w.formChanged, w.pickData, w.showHelp
	w.buildPick()
	w.runs = newRunList(func() []*run { return w.lib.runs }, w.showRun, w.selectRun)
	w.runs.menu, w.runs.now, w.runs.win = w.runMenu, w.opt.Now, w.win.Canvas
	w.runs.delete, w.runs.rename, w.runs.passed = func(*run) { w.DeleteRun() }, w.RenameRun, w.passRun
	w.loss = newLossTab(w.opt.Dispatch, w.redraw)
	w.loss.view.OnLegendTap = func(name string) { w.tapLegend(w.findRun(runTitle(name))) }
	w.grad = newGradTab(w.opt.Dispatch, w.redraw)
	for _, c := range []*chartview.Chart{w.grad.over, w.grad.at} {
		c.OnLegendTap = func(name string) { w.tapLegend(w.grad.legend[name]) }
	}
	for _, c := range w.charts() {
		c.view.OnTypedKey = func(e *fyne.KeyEvent) {
			if e.Name == fyne.KeySpace {
				w.Pause()
			}
		}
		c.view.OnSecondaryTap = func(e *fyne.PointEvent) { w.chartMenu(c, e.AbsolutePosition) }
	}
	w.samples = newSamplesTab(w.setPrompt)
	w.samples.prompt.Text = cfg.Prompt
	w.talk = newTalk(w, w.samples)
	w.samples.follow = w.talk.follow
	w.buildCompare()
	w.buildRace()
	w.drawn.Presented = w.chartsShown
	w.drawn.Add(w.loss.view, w.grad.over, w.grad.at, w.compare.view, w.raceTab.view)
	w.log = newLogTab(copyText)
	w.tabs = container.NewAppTabs()
	for i, t := range []container.TabItem{
		{Text: "Loss", Content: w.loss.object},
		{Text: "Gradients", Content: w.grad.object},
		{Text: "Samples", Content: w.talk.object},
		{Text: "Compare", Content: w.compare.object},
		{Text: "Race", Content: w.raceTab.object},
		{Text: "Log", Content: w.log.object},
	} {
		w.tabs.Append(container.NewTabItem(t.Text, newPage(t.Content, func() bool { return w.tab() == i })))
	}
	w.tabs.OnSelected = func(*container.TabItem) { w.redraw() }
	w.train = widget.NewButtonWithIcon("Train", theme.MediaPlayIcon(), w.Train)
	w.train.Importance = widget.HighImportance
	w.pause = widget.NewButtonWithIcon("Pause", theme.MediaPauseIcon(), w.Pause)
	w.stop = widget.NewButtonWithIcon("Stop", theme.MediaStopIcon(), w.Stop)
	w.export = widget.NewButtonWithIcon("Export PNG", theme.DocumentSaveIcon(), w.ExportShown)
	w.device = caption("")
	w.loss.hint.button.OnTapped = w.Train
}

// State is where the window stands.
func (w *Window) State() State { return w.state }

// setState is the only place that enables, disables and names controls by the state.
func (w *Window) setState(s State) {
	w.state = s
	l := looks[s]
	enable(w.train, l.train)
	enable(w.loss.hint.button, l.train)
	enable(w.pause, l.pause)
	enable(w.stop, l.stop)
	text, icon := "Pause", theme.MediaPauseIcon()
	if l.resume {
		text, icon = "Resume", theme.MediaPlayIcon()
	}
	if w.pause.Text != text {
		w.pause.Text, w.pause.Icon = text, icon
		w.pause.Refresh()
	}
	w.pill.set(l)
	w.setup.enable(l.edit)
	w.variant.lock(!l.edit)
	w.menu.held = true
	w.menu.setState(s)
	w.dropFocus()
	w.steerControls()
	w.runControls()
	w.showUndo()
	w.menu.held = false
	w.menu.refresh()
	if w.current != nil {
		w.status.show(s, &w.current.snap)
	}
	w.win.SetTitle(w.title())
	w.watchWaiting(s)
}

func enable(o fyne.Disableable, on bool) {
	if on == !o.Disabled() {
		return
	}
	if on {
		o.Enable()
	} else {
		o.Disable()
	}
}

func (w *Window) title() string {
	if w.current == nil || w.state == Idle {
		return "Evenkeel"
	}
	return fmt.Sprintf("%s, %s – Evenkeel", w.current.title, w.state)
}
