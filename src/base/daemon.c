/* daemon.c - see daemon.h. */
#include "base/daemon.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

static atomic_bool stop_flag;
static atomic_bool reload_flag;

static void on_stop(int sig)
{
    UNUSED(sig);
    atomic_store(&stop_flag, true);
}

static void on_reload(int sig)
{
    UNUSED(sig);
    atomic_store(&reload_flag, true);
}

void daemon_init(void)
{
    struct sigaction sa = {0};
    sigemptyset(&sa.sa_mask);
    sa.sa_handler = on_stop;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sa.sa_handler = on_reload;
    sa.sa_flags = SA_RESTART;
    sigaction(SIGHUP, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sa.sa_flags = 0;
    sigaction(SIGPIPE, &sa, NULL);
}

bool daemon_stopping(void)
{
    return atomic_load_explicit(&stop_flag, memory_order_relaxed);
}

void daemon_stop(void)
{
    atomic_store(&stop_flag, true);
}

bool daemon_take_reload(void)
{
    return atomic_exchange(&reload_flag, false);
}

bool daemon_wait_ms(int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000;
    while (!daemon_stopping()) {
        int64_t left = (until - clock_mono_us()) / 1000;
        if (left <= 0) {
            break;
        }
        poll(NULL, 0, left > 100 ? 100 : (int)left);
    }
    return daemon_stopping();
}
