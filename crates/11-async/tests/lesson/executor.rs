//! The executor: every wake-up is answered, and nobody is polled without one.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use lesson_11::executor::{Step, run, run_watched, spawn};
use lesson_11::socket::sleep;

/// Wakes itself so many times.
async fn turns(times: usize) {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn a_task_goes_on_beside_the_main_future_and_gives_a_result() {
    let got = run(async {
        let first = spawn(async {
            turns(3).await;
            1
        });
        let second = spawn(async { 2 });
        (second.await, first.await)
    });
    assert_eq!(got.unwrap(), (2, 1));
}

#[test]
fn a_task_may_spawn_tasks() {
    let got = run(async {
        let outer = spawn(async { spawn(async { 7 }).await });
        outer.await
    });
    assert_eq!(got.unwrap(), 7);
}

#[test]
fn a_task_that_always_has_something_to_do_does_not_keep_the_others_waiting() {
    let over = Rc::new(Cell::new(false));
    let told = Rc::clone(&over);
    run(async move {
        let busy = spawn(async move {
            while !told.get() {
                turns(1).await;
            }
        });
        let other = spawn(async { turns(5).await });
        sleep(Duration::from_millis(1)).await; // the reactor has its turn, too
        other.await;
        over.set(true);
        busy.await;
    })
    .unwrap();
}

#[test]
fn a_wake_up_from_another_thread_is_never_lost() {
    const ROUNDS: usize = 5000;
    let (sender, wakers) = mpsc::channel::<Waker>();
    let helper = thread::spawn(move || wakers.iter().for_each(Waker::wake));
    let polls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&polls);
    run(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        if counted.get() > ROUNDS {
            return Poll::Ready(());
        }
        sender.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }))
    .unwrap();
    helper.join().unwrap();
    assert_eq!(polls.get(), ROUNDS + 1);
}

#[test]
fn who_is_not_woken_is_not_polled() {
    let steps = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&steps);
    run_watched(
        async {
            spawn(pending::<()>());
            turns(50).await;
            sleep(Duration::from_millis(5)).await;
        },
        move |step| told.borrow_mut().push(step),
    )
    .unwrap();
    let of_task = |step: &&Step| matches!(step, Step::Polled(1, _));
    assert_eq!(steps.borrow().iter().filter(of_task).count(), 1);
    assert!(steps.borrow().contains(&Step::Sleeps));
    // Once to begin with, fifty times for itself, once for the timer: and the kernel
    // may end a wait early.
    let of_main = |step: &&Step| matches!(step, Step::Polled(0, _));
    assert!(steps.borrow().iter().filter(of_main).count() <= 54);
}

#[test]
fn a_waker_may_outlive_its_task_and_its_executor() {
    let kept = Rc::new(RefCell::new(None::<Waker>));
    let slot = Rc::clone(&kept);
    run(async move {
        let waker = Rc::clone(&slot);
        let join = spawn(poll_fn(move |cx| {
            *waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Ready(())
        }));
        join.await;
        slot.borrow().as_ref().unwrap().wake_by_ref();
        turns(3).await;
    })
    .unwrap();
    kept.take().unwrap().wake();
}

#[test]
fn timers_are_due_in_their_order_and_not_early() {
    let order = Rc::new(RefCell::new(Vec::new()));
    let started = Instant::now();
    run(async {
        let tasks: Vec<_> = [30, 10, 20]
            .map(|millis| {
                let order = Rc::clone(&order);
                spawn(async move {
                    sleep(Duration::from_millis(millis)).await;
                    order.borrow_mut().push(millis);
                })
            })
            .into();
        for task in tasks {
            task.await;
        }
    })
    .unwrap();
    assert_eq!(*order.borrow(), [10, 20, 30]);
    assert!(started.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_panic_leaves_the_thread_ready_for_another_executor() {
    let panicked = thread::spawn(|| {
        let first = std::panic::catch_unwind(|| run(async { panic!("on purpose") }));
        assert!(first.is_err());
        run(async { spawn(async { 3 }).await }).unwrap()
    });
    assert_eq!(panicked.join().unwrap(), 3);
}

#[test]
fn an_executor_within_an_executor_is_refused_and_the_outer_one_goes_on() {
    let (inner, outer) = run(async {
        let inner = run(async { 1 });
        (inner, spawn(async { 2 }).await)
    })
    .unwrap();
    assert!(inner.unwrap_err().to_string().contains("already"));
    assert_eq!(outer, 2);
}
