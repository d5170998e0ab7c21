//! What a client has from the operating system beside its name server: the clock, and TCP connections.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::SystemTime;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::clock::Moment;
#[cfg(feature = "_simulation")]
use crate::simulation::Simulated;
#[cfg(feature = "_simulation")]
pub(crate) use crate::simulation::Tcp;

/// A TCP connection.
#[cfg(not(feature = "_simulation"))]
pub(crate) type Tcp = TcpStream;

/// The operating system; in `tests/sim` a simulated one.
#[derive(Clone, Default)]
pub(crate) struct System {
    #[cfg(feature = "_simulation")]
    pub(crate) simulated: Option<Simulated>,
}

impl System {
    /// The time of this machine's clock.
    pub(crate) fn now(&self) -> SystemTime {
        #[cfg(feature = "_simulation")]
        if let Some(simulated) = &self.simulated {
            return (simulated.now)();
        }
        SystemTime::now()
    }

    /// This moment by both clocks.
    pub(crate) fn moment(&self) -> Moment {
        Moment { steady: Instant::now(), wall: self.now() }
    }

    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<Tcp> {
        #[cfg(feature = "_simulation")]
        if let Some(simulated) = &self.simulated {
            return Ok(Tcp::Simulated((simulated.connect)(address).await?));
        }
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        Ok(of_kernel(tcp))
    }
}

pub(crate) fn of_kernel(tcp: TcpStream) -> Tcp {
    #[cfg(feature = "_simulation")]
    let tcp = Tcp::Kernel(tcp);
    tcp
}

/// Reads from the kernel what has arrived, whatever the runtime knows; never waits.
pub(crate) fn read_directly(tcp: &Tcp, bytes: &mut [u8]) -> io::Result<usize> {
    #[cfg(feature = "_simulation")]
    let tcp = match tcp {
        Tcp::Kernel(tcp) => tcp,
        // It has no runtime in between.
        Tcp::Simulated(_) => return Err(io::ErrorKind::WouldBlock.into()),
    };
    (&*SockRef::from(tcp)).read(bytes)
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("System")
    }
}
