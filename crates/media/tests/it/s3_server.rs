//! A real S3 server on loopback: real HTTP, signatures checked, objects in a folder.

use std::net::SocketAddr;
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub const BUCKET: &str = "photos";
pub const ACCESS_KEY_ID: &str = "AKIAEXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "the secret of the test";

/// Serves until it is dropped.
pub struct S3Server {
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl S3Server {
    /// A server with one bucket, at any port.
    pub async fn start(root: &Path) -> Self {
        Self::start_at(root, "127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn start_at(root: &Path, address: SocketAddr) -> Self {
        std::fs::create_dir_all(root.join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = builder.build();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                connections.spawn(async move {
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            _accepting: accepting,
        }
    }

    /// Ends it with all its connections, and waits until its port is free.
    pub async fn stop(mut self) {
        self._accepting.shutdown().await;
    }
}
